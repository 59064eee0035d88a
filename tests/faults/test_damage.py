"""A flipped bit at rest: what it hit is set aside and named in the log; all else
goes on. Never a crash, never wrong bytes."""
import os
import poplib
import signal
import unittest

from server import Demo, wait_for


def words(n):
    """A body that can be found in no other message, and hardly compresses."""
    return "".join("%s\r\n" % os.urandom(30).hex() for _ in range(40)) + "number %d\r\n" % n


def flip(path, offset):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ 0x10]))


def below(folder, *parts):
    """Files below a folder whose path has all parts."""
    found = []
    for path, _folders, names in os.walk(folder):
        found += [os.path.join(path, n) for n in names if all(p in os.path.join(path, n) for p in parts)]
    return sorted(found)


class Damage(unittest.TestCase):
    def deliver(self, host, count):
        for n in range(count):
            self.assertEqual(host.send("damage-%d" % n, words(n))[0], 250)
        wait_for(lambda: host.count() == count)

    def subjects(self, host):
        """Subject of each message, or the words of the -ERR."""
        box = host.box()
        got = []
        for n in range(1, box.stat()[0] + 1):
            try:
                lines = box.retr(n)[1]
                got.append(next(l for l in lines if l.startswith(b"Subject: "))[9:].decode())
            except poplib.error_proto as e:
                got.append(str(e))
        box.quit()
        return got

    def test_pack(self):
        with Demo() as host:
            self.deliver(host, 3)
            pack, = below(os.path.join(host.data, "account"), "/pack/")
            flip(pack, os.path.getsize(pack) // 2)
            got = self.subjects(host)
            self.assertEqual(got[0], "damage-0")
            self.assertIn("-ERR [SYS/", got[1])
            self.assertEqual(got[2], "damage-2")
            self.assertRegex(host.log("store"), r"(?i)damage")

    def test_account_log(self):
        """Its end is a torn tail or rot; the account opens, the server serves."""
        with Demo() as host:
            self.deliver(host, 3)
            host.stop()
            log = below(os.path.join(host.data, "account"), ".log")[-1]
            flip(log, 4096 + 200)
            host.start()
            self.subjects(host)
            before = host.count()
            self.assertEqual(host.send("after")[0], 250)
            wait_for(lambda: host.count() == before + 1)
            self.assertEqual(self.subjects(host)[-1], "after")

    def test_journal(self):
        """Three acknowledged messages wait in the journal; the second is damaged."""
        with Demo("--set", "edges=1") as host:
            for pid in host.roles()["store"]:
                os.kill(pid, signal.SIGSTOP)
            marks = []
            for n in range(3):
                text = words(n)
                marks.append(text)
                self.assertEqual(host.send("damage-%d" % n, text)[0], 250)
            host.kill()
            hurt = [p for p in below(os.path.join(host.data, "journal", "1"), ".log")
                    if b"sender@client.example" in open(p, "rb").read()]
            self.assertEqual(len(hurt), 1)
            data = open(hurt[0], "rb").read()
            places = [n for n in range(len(data)) if data.startswith(b"sender@client.example", n)]
            second = [p for p in places if p // 4096 > places[0] // 4096][0]
            flip(hurt[0], second + 3)
            host.start()
            wait_for(lambda: host.count() == 2, what="the two that are whole")
            self.assertEqual(self.subjects(host), ["damage-0", "damage-2"])
            self.assertRegex(host.log("router"), r"(?i)damage|rot|lost")
            self.assertEqual(host.send("after")[0], 250)
            wait_for(lambda: host.count() == 3)
