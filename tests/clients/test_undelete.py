"""posthouse undelete: what mail programs expunged is listed, and comes back to where it was."""
import imaplib
import json
import subprocess
import unittest

from server import Demo, POSTHOUSE, wait_for

TIMEOUT = 60


class Undelete(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.addClassCleanup(cls.host.__exit__)
        cls.host.__enter__()

    def run_it(self, *words, want=0, data=None):
        done = subprocess.run([POSTHOUSE, "undelete", *words, "--data", data or self.host.data],
                              capture_output=True, text=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, want, (words, done.stdout, done.stderr))
        self.assertNotIn("runtime error", done.stderr)
        return done.stdout if want == 0 else done.stderr

    def rows(self, account, *words):
        return json.loads(self.run_it(account.address, *words, "--json"))

    def imap(self, account, mailbox="INBOX"):
        box = imaplib.IMAP4(*self.host.imap, timeout=TIMEOUT)
        box.login(account.address, account.password)
        box.select(mailbox)
        self.addCleanup(box.logout)
        return box

    def fill(self, account, *subjects):
        """They are there when this returns."""
        count = self.host.count(account)
        for subject in subjects:
            code, words = self.host.send(subject, to=account.address)
            self.assertEqual(code, 250, words)
        wait_for(lambda: self.host.count(account) == count + len(subjects), what="delivery")

    def subjects(self, box, mailbox="INBOX"):
        box.select(mailbox)
        _, parts = box.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return [part[1].decode().strip()[9:] for part in parts if isinstance(part, tuple)]

    def test_there_and_back(self):
        account = self.host.alice
        box = self.imap(account)
        self.assertIn("nothing that can be brought back", self.run_it(account.address))
        self.fill(account, "first", "second", "=?utf-8?q?th=D1=96rd?=", "fourth")
        box.select()
        box.store("1,3", "+FLAGS", "(\\Deleted \\Flagged $Forwarded)")
        box.expunge()
        reader = self.host.box(account)             # POP3
        reader.dele(1)
        reader.quit()
        box.create("Lists/c")
        self.fill(account, "fifth")
        box.select()
        box.copy("2", "Lists/c")
        box.delete("Lists/c")

        text = self.run_it(account.address)
        for word in ("first", "second", "fifth", "from INBOX,", "from Lists/c (which is deleted),",
                     "4 messages; `"):
            self.assertIn(word, text)
        self.assertNotIn("fourth", text)
        rows = {row["subject"]: row for row in self.rows(account)}
        self.assertEqual(sorted(rows), ["fifth", "first", "second", "th\u0456rd"])
        self.assertGreater(rows["first"]["size"], 20)
        only = self.rows(account, "--mailbox", "Lists/c")
        self.assertEqual([row["subject"] for row in only], ["fifth"])
        self.assertEqual(len(self.rows(account, "--since", "1h")), 4)

        # One by its number; who has the mailbox open is told.
        box.select()
        self.assertIn("1 message of INBOX: back in it",
                      self.run_it(account.address, str(rows["first"]["id"])))
        box.noop()
        self.assertEqual(box.response("EXISTS")[1][-1], b"3")
        _, (flags,) = box.fetch("3", "(FLAGS)")
        self.assertIn(b"\\Flagged", flags)
        self.assertIn(b"$Forwarded", flags)
        self.assertNotIn(b"\\Deleted", flags)
        self.assertIn("can be brought back", self.run_it(account.address, str(rows["first"]["id"]), want=1))

        # A mailbox that is gone is made again.
        self.assertIn("back in Lists/c, which was deleted and is made again",
                      self.run_it(account.address, "--all", "--mailbox", "Lists/c"))
        self.assertEqual(self.subjects(box, "Lists/c"), ["fifth"])
        done = json.loads(self.run_it(account.address, "--all", "--json"))
        self.assertEqual(done["messages"], 2)
        self.assertEqual(self.rows(account), [])
        self.assertEqual(sorted(s[:3] for s in self.subjects(box)), ["=?u", "fif", "fir", "fou", "sec"])

        # Not \Deleted any more: the next EXPUNGE leaves all of them.
        box.expunge()
        self.assertEqual(len(self.subjects(box)), 5)

    def test_names_that_turn_text(self):
        with Demo() as self.host:
            account = self.host.bob
            box = self.imap(account)
            box.create("cod&IC4-.exe")                  # U+202E: what follows runs to the left
            self.fill(account, "turned")
            box.select()
            box.copy("*", "cod&IC4-.exe")
            box.select("cod&IC4-.exe")
            box.store("1", "+FLAGS", "\\Deleted")
            box.expunge()
            self.assertIn("from cod.exe,", self.run_it(account.address))
            self.assertIn("cod\u202e.exe", [row["mailbox"] for row in self.rows(account)])
            listed = subprocess.run([POSTHOUSE, "mailbox", "list", account.address, "--data", self.host.data],
                                    capture_output=True, text=True, timeout=TIMEOUT, check=True).stdout
            self.assertRegex(listed, "(?m)^cod.exe ")

    def test_stays_over_a_restart(self):
        account = self.host.bob
        self.fill(account, "kept")
        reader = self.host.box(account)
        reader.dele(1)
        reader.quit()
        self.host.kill()
        self.host.start()
        self.assertEqual([row["subject"] for row in self.rows(account)], ["kept"])
        self.run_it(account.address, "--all")
        self.assertEqual(self.host.count(account), 1)

    def test_bad_input(self):
        address = self.host.alice.address
        for words, want, what in (
                ([], 2, "ADDRESS"),
                ([address, "x1"], 2, '"x1" is no number of a message'),
                ([address, "0"], 2, '"0" is no number'),
                ([address, "99999999999"], 2, "is no number"),
                ([address, "--all", "1"], 2, "do not go together"),
                ([address, "--since", "soon"], 2, "--since takes"),
                ([address, "--since", "400d"], 2, "--since takes"),
                ([address, "4000000"], 1, "no message 4000000 can be brought back"),
                (["alise@" + self.host.domain], 1, "alice@" + self.host.domain),
                (["nobody"], 1, "nobody")):
            with self.subTest(words=words):
                self.assertIn(what, self.run_it(*words, want=want))

    def test_other_servers(self):
        with Demo("--set", "mailbox.undelete=0") as host:
            host.send("gone")
            wait_for(lambda: host.count() == 1, what="delivery")
            reader = host.box()
            reader.dele(1)
            reader.quit()
            self.assertIn("nothing", self.run_it(host.alice.address, data=host.data))
            data = host.data
            host.stop()
            self.assertIn("no server runs on", self.run_it(host.alice.address, data=data, want=1))
            host.start()


if __name__ == "__main__":
    unittest.main()
