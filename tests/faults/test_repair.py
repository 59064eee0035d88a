"""verify and repair of what is no mailbox: directory.db, the journal; beside a running
server; and what bad input gets."""
import os
import signal
import sqlite3
import subprocess
import tempfile
import unittest

from ripe import POSTHOUSE, Damaged, below, flip, repair, run, server, text, the_ripe, verify
from server import wait_for


def bytes_of(path):
    """The router may remove a segment while we look."""
    try:
        with open(path, "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


class Others(Damaged):
    # ---- directory.db ----

    def test_directory(self):
        """The row of an account and its index contradict each other."""
        path = os.path.join(self.data, "directory", "directory.db")
        content = open(path, "rb").read()
        places = [n for n in range(len(content)) if content.startswith(b"bob@alice.example", n)]
        self.assertGreater(len(places), 1)
        flip(path, places[-1])
        self.found("directory-damaged", path)
        status, out, said = repair(self.data)
        self.assertEqual((status, said), (0, ""), out)
        self.assertIn("directory.db", out)
        self.assertEqual(verify(self.data)[:2], (0, []))
        kept, = self.aside("directory.db")
        self.assertEqual(len(open(kept, "rb").read()), len(content))

    def test_directory_is_lost(self):
        """No row can be read: accounts come back by their mailboxes, without passwords."""
        path = os.path.join(self.data, "directory", "directory.db")
        with open(path, "r+b") as f:
            f.write(os.urandom(4096))
        self.found("directory-damaged", path)
        status, out, said = repair(self.data)
        self.assertEqual((status, said), (0, ""), out)
        self.assertEqual(verify(self.data)[:2], (0, []))
        rows = sqlite3.connect(path).execute("SELECT address, printf('%016x', id) FROM account").fetchall()
        self.assertIn((self.ripe.alice.address, os.path.basename(self.folder)), rows)

    # ---- the journal ----

    def test_journal_is_cut(self):
        log = below(self.data, "/journal/1/")[0]
        os.truncate(log, 100000)
        self.found("file-short", log, 100000)
        self.served()

    def test_journal_head(self):
        log = below(self.data, "/journal/1/")[0]
        flip(log, 20)
        flip(log, 2048 + 20)
        self.found("head-damaged", log, 20)
        self.served()

    def new_records(self, log, before):
        """Where senders stand in blocks that are not as they were."""
        content = bytes_of(log)
        senders = [n for n in range(len(content)) if content.startswith(b"sender@client.example", n)]
        return [p for p in senders for b in [p // 4096 * 4096]
                if content[b:b + 4096] != before[b:b + 4096]]

    def test_undelivered_mail_in_a_damaged_journal(self):
        """Three acknowledged messages wait; the second is hit. Repair keeps the others."""
        with server(self.data) as host:
            for pid in host.roles()["store"]:
                os.kill(pid, signal.SIGSTOP)
            before = {log: bytes_of(log) for log in below(self.data, "/journal/1/")}
            for n in range(3):
                self.assertEqual(host.send("waits %d" % n, text("waits %d" % n))[0], 250)
            host.kill()
            # What this life wrote, not the bytes of earlier uses: three records, each in
            # blocks of its own.
            hurt, places = next((log, new) for log in below(self.data, "/journal/1/")
                                if (new := self.new_records(log, before.get(log, b""))))
            blocks = sorted({p // 4096 for p in places})
            second = [p for p in places if p // 4096 == blocks[1]][0]
            flip(hurt, second + 3)
            self.found("log-damaged", hurt, second + 3)
            status, out, said = repair(self.data)
            self.assertEqual((status, said), (0, ""), out)
            self.assertEqual(verify(self.data)[:2], (0, []))
            self.assertTrue(self.aside(os.path.basename(hurt)))
            host.start()
            want = len(self.before) + 2
            wait_for(lambda: host.count() == want, what="the two that are whole")
            self.assertEqual(host.send("after")[0], 250)
            wait_for(lambda: host.count() == want + 1)
            box = host.box()
            subjects = [next(l for l in box.top(n, 0)[1] if l.startswith(b"Subject: "))[9:].decode()
                        for n in range(len(self.before) + 1, want + 1)]
            box.quit()
            self.assertEqual(sorted(subjects), ["waits 0", "waits 2"])

    def test_body_in_a_file_of_its_own(self):
        """A large acknowledged message waits, its spool file is hit: it is kept aside as
        it is, and what waits beside it is delivered."""
        with server(self.data) as host:
            for pid in host.roles()["store"]:
                os.kill(pid, signal.SIGSTOP)
            for name, lines in (("large", 8000), ("small", 10)):
                self.assertEqual(host.send("waits " + name, text(name, lines))[0], 250)
            host.kill()
            spool, = below(self.data, "/journal/spool/")
            content = open(spool, "rb").read()
            flip(spool, len(content) // 2)
            findings = verify(self.data)[1]
            self.assertEqual([f["finding"] for f in findings], ["body-damaged"])
            self.assertIn(os.path.basename(spool), findings[0]["what"])
            status, out, said = repair(self.data)
            self.assertEqual((status, said), (0, ""), out)
            self.assertEqual(verify(self.data)[:2], (0, []))
            kept, = self.aside(os.path.basename(spool))
            self.assertEqual(os.path.getsize(kept), len(content))
            host.start()
            want = len(self.before) + 1
            wait_for(lambda: host.count() == want, what="the small one")
            box = host.box()
            self.assertIn(b"Subject: waits small", box.top(want, 0)[1])
            box.quit()


class Usage(unittest.TestCase):
    def test_bad_input_gets_one_line(self):
        data = the_ripe().data
        for words, status, said in (
                (("verify", "--data", "/nonexistent"), 1, "/nonexistent"),
                (("repair", "--data", "/nonexistent"), 1, "/nonexistent"),
                (("verify", "nobody@alice.example", "--data", data), 1, "no account"),
                (("repair", "nobody@alice.example", "--data", data), 1, "no account"),
                (("verify", "--all"), 2, "--all"),
                (("repair", "a", "b"), 2, "")):
            with self.subTest(words=words):
                got, out, err = run(*words)
                self.assertEqual((got, out), (status, ""))
                self.assertIn(said, err)
                self.assertEqual(err.count("\n"), 1, err)


class EndedEarly(unittest.TestCase):
    def test_no_copy_of_the_directory_stays(self):
        """verify and repair read a copy of directory.db, which holds password hashes: it
        is gone when Ctrl-C ends them, whenever that comes."""
        data = the_ripe().copy()
        ended = 0
        for command in ("verify", "repair"):
            for n in range(40):
                with tempfile.TemporaryDirectory() as own:
                    made = os.path.join(own, "made")
                    os.mkdir(made)
                    process = subprocess.Popen(
                        [POSTHOUSE, command, "--data", data], stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                        env={**os.environ, "TMPDIR": made})
                    while n % 2 and process.poll() is None and not os.listdir(made):
                        pass            # half of them: as soon as the copy is there
                    try:
                        process.wait(timeout=n * 0.001)
                    except subprocess.TimeoutExpired:
                        process.send_signal(signal.SIGINT)
                    ended += process.wait() == -signal.SIGINT
                    self.assertEqual(os.listdir(made), [], command)
        self.assertGreater(ended, 10)


class Online(unittest.TestCase):
    def load(self, host):
        return subprocess.Popen(
            [os.environ.get("POSTHOUSE_RELEASE", POSTHOUSE), "bench", "smtp", "--to",
             "127.0.0.1:%d" % host.smtp[1], "--recipients", host.alice.address, "--sessions", "4",
             "--messages", "3000", "--size", "1024"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def test_no_false_alarm_under_load(self):
        """Mail comes in, is read and deleted, accounts are compacted: verify finds
        nothing, and repair does not start."""
        data = the_ripe().copy()
        with server(data) as host:
            for _ in range(4):
                load = self.load(host)
                try:
                    first = True
                    while first or load.poll() is None:
                        first = False
                        self.assertEqual(verify(data)[:2], (0, []))
                    self.assertEqual(load.returncode or load.wait(), 0, load.stderr.read())
                finally:
                    load.kill()
                    load.wait()
                    load.stderr.close()
                box = host.box()
                for m in range(1, min(box.stat()[0], 1000) + 1):
                    box.dele(m)
                box.quit()
            status, out, said = repair(data)
            self.assertEqual((status, out), (1, ""))
            self.assertIn("stop it first", said)
            self.assertEqual(said.count("\n"), 1)
            self.assertFalse(os.path.exists(os.path.join(data, "aside")))
            # Damage is found beside a server, too.
            pack = below(the_ripe().account(data, host.bob), "/pack/")[0]
            flip(pack, os.path.getsize(pack) // 2)
            status, findings, _total = verify(data)
            self.assertEqual((status, [f["finding"] for f in findings]), (1, ["message-damaged"]))
            self.assertEqual(findings[0]["file"], os.path.relpath(pack, data))
