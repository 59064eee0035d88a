"""tests/ripe.py - a data folder with history, to be damaged in copies.

    ripe = Ripe()               # once: serves, delivers, ages, stops
    data = ripe.copy()          # as often as wanted
    verify(data)                # (exit status, findings, summary)

alice has a base, segments behind it, and packs; bob has a few messages.
"""
import atexit
import json
import os
import poplib
import shutil
import subprocess
import tempfile
import unittest

from server import POSTHOUSE, Demo, wait_for

RELEASE = os.environ.get("POSTHOUSE_RELEASE", POSTHOUSE)
OPTIONS = ("--set", "edges=1", "--set", "stores=1", "--set", "journal.segment=4M")


def text(name, lines=12):
    """A body that is in no other message, and hardly compresses."""
    return "".join("%s\r\n" % os.urandom(30).hex() for _ in range(lines)) + "this is %s\r\n" % name


def server(data):
    return Demo(*OPTIONS, program=RELEASE, data=data)


# Repair becomes the server's user, and then LeakSanitizer may not look at it.
QUIET = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")


def run(*words):
    p = subprocess.run([POSTHOUSE, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                       env=QUIET if words[0] == "repair" else None)
    said = p.stderr.decode()
    assert "Sanitizer" not in said and "runtime error" not in said, said
    return p.returncode, p.stdout.decode(), said


def verify(data, *words):
    status, out, said = run("verify", "--json", "--data", data, *words)
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows and "summary" in rows[-1], (status, out, said)
    findings = [r for r in rows[:-1] if not r["note"]]
    assert len(findings) == rows[-1]["findings"] and (status == 1) == bool(findings), (status, rows)
    return status, findings, rows[-1]


def repair(data, *words):
    return run("repair", "--data", data, *words)


def content(box, n):
    """A message as it was sent: what delivery put on top names times and ids."""
    return b"\r\n".join(box.retr(n)[1])


def mailbox(host, account):
    """{uidl: bytes} of all that can be read; {uidl: None} of the rest."""
    box = host.box(account)
    found = {}
    for row in box.uidl()[1]:
        n, uidl = row.split()
        try:
            found[uidl.decode()] = content(box, int(n))
        except poplib.error_proto:
            found[uidl.decode()] = None
    box.quit()
    return found


def below(folder, *parts):
    """Files below a folder whose path has all parts."""
    found = []
    for path, _folders, names in os.walk(folder):
        found += [os.path.join(path, n) for n in names if all(p in os.path.join(path, n) for p in parts)]
    return sorted(found)


def flip(path, offset, mask=0x10):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ mask]))


class Ripe:
    ROUNDS = 10                         # lives of the server: as many make a base

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="posthouse-ripe-")
        self.data = os.path.join(self.folder, "ripe")
        os.mkdir(self.data, 0o700)
        with server(self.data) as host:
            self.alice, self.bob = host.alice, host.bob
            self.make(host)
            self.mail = {who.address: mailbox(host, who) for who in (host.alice, host.bob)}
        self.n_copies = 0

    def make(self, host):
        sent = 0
        for life in range(self.ROUNDS):
            for n in range(3):
                assert host.send("life %d, %d" % (life, n), text("%d-%d" % (life, n)))[0] == 250
            sent += 3
            wait_for(lambda: host.count() == sent)
            host.kill()
            host.start()
        assert host.send("large", text("large", 8000))[0] == 250
        wait_for(lambda: host.count() == sent + 1)
        assert host.send("last", text("last"))[0] == 250
        for n in range(3):
            assert host.send("to bob %d" % n, text("bob %d" % n), host.bob.address)[0] == 250
        sent += 2
        wait_for(lambda: host.count() == sent and host.count(host.bob) == 3)
        # When a base is made depends on what a kill met: not in the last life.
        while not self.aged():
            assert sent < 100, "alice's log does not age"
            host.kill()
            host.start()
            for _ in range(2):          # the second one confirms the first
                assert host.send("one more", text("%d" % sent))[0] == 250
                sent += 1
                wait_for(lambda: host.count() == sent)

    def aged(self):
        """Does alice's newest segment follow the one before it, where something was delivered?
        A kill can leave one behind that nothing follows: what it holds was written again."""
        rows = self.log(self.data, self.alice)
        before, newest = below(self.account(self.data, self.alice), ".log")[-2:]
        follows = "follows segment " + os.path.basename(before)[:3]
        return (any(path == newest and said.startswith(follows) for path, _at, said in rows) and
                any(path == before and said.startswith("delivered") for path, _at, said in rows))

    def copy(self):
        self.n_copies += 1
        data = os.path.join(self.folder, "copy-%d" % self.n_copies)
        subprocess.run(["cp", "-a", "--sparse=always", self.data, data], check=True)
        return data

    def account(self, data, account):
        """The account's folder."""
        status, out, said = run("account", "show", account.address, "--json", "--data", data)
        assert status == 0, said
        folder, = [p for p, _f, _n in os.walk(os.path.join(data, "account"))
                   if os.path.basename(p) == json.loads(out)["id"]]
        return folder

    def log(self, data, account):
        """[(path, offset, words)] of each line of `account log`."""
        status, out, said = run("account", "log", account.address, "--data", data)
        assert status == 0, said
        folder = self.account(data, account)
        return [(os.path.join(folder, line[:3] + ".log"), int(line[3:12]), line[14:])
                for line in out.splitlines()]

    def drop(self):
        shutil.rmtree(self.folder, ignore_errors=True)


_ripe = []


def the_ripe():
    """Made once for all tests of a file."""
    if not _ripe:
        _ripe.append(Ripe())
        atexit.register(_ripe[0].drop)
    return _ripe[0]


class Damaged(unittest.TestCase):
    """A copy to damage, and what must hold after repair. Not a test itself."""

    def setUp(self):
        self.ripe = the_ripe()
        self.data = self.ripe.copy()
        self.folder = self.ripe.account(self.data, self.ripe.alice)
        self.before = self.ripe.mail[self.ripe.alice.address]

    def place(self, words, last=False):
        """(log, offset) of the first line of alice's log with these words, or the last."""
        rows = [(path, offset) for path, offset, said in self.ripe.log(self.data, self.ripe.alice)
                if words in said]
        self.assertTrue(rows, words)
        return rows[-1 if last else 0]

    def found(self, kind, path, offset=None):
        """verify exits with 1 and one of its findings names the file and the byte."""
        status, findings, _sum = verify(self.data)
        name = os.path.relpath(path, self.data)
        hits = [f for f in findings if f["finding"] == kind and f["file"] == name and
                (offset is None or f["from"] <= offset < f["to"])]
        self.assertTrue(hits, findings)
        self.assertEqual(status, 1)
        return findings

    def served(self, lost=0, moved=0):
        """After repair: all but `lost` messages, `moved` of them under new UIDLs."""
        status, out, said = repair(self.data)
        self.assertEqual((status, said), (0, ""), out)
        self.assertEqual(verify(self.data)[:2], (0, []))
        with server(self.data) as host:
            after = mailbox(host, host.alice)
            self.assertEqual(mailbox(host, host.bob), self.ripe.mail[self.ripe.bob.address])
            self.assertEqual(host.send("after", text("after"))[0], 250)
            wait_for(lambda: host.count() == len(after) + 1)
        self.assertEqual(len(after), len(self.before) - lost)
        self.assertTrue(set(after.values()) <= set(self.before.values()))
        self.assertEqual(len(set(after.values())), len(after), "something came twice")
        same = [u for u in after if self.before.get(u) == after[u]]
        self.assertEqual(len(after) - len(same), moved)
        self.assertFalse([u for u in after if u in self.before and u not in same])
        self.assertEqual(verify(self.data)[:2], (0, []))
        return out

    def aside(self, ending):
        return [p for p in below(os.path.join(self.data, "aside")) if p.endswith(ending)]
