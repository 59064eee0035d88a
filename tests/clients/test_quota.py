"""posthouse account quota: what an account may hold, by IMAP, by SMTP, and for who runs the server."""
import imaplib
import json
import os
import signal
import smtplib
import subprocess
import tempfile
import unittest

from server import Demo, POSTHOUSE, wait_for

TIMEOUT = 60
KIB = 1024


def letter(subject, size):
    text = b"Subject: %s\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: b@alice.example\r\n\r\n" % subject.encode()
    return text + b"twenty octets here\r\n" * ((size - len(text)) // 20 + 1)


class Quota(unittest.TestCase):
    def host_with(self, *options):
        host = Demo(*options)
        host.__enter__()
        self.addCleanup(host.__exit__)
        return host

    def run_it(self, host, *words, want=0):
        done = subprocess.run([POSTHOUSE, *words, "--data", host.data], capture_output=True, text=True,
                              timeout=TIMEOUT)
        self.assertEqual(done.returncode, want, (words, done.stdout, done.stderr))
        self.assertNotIn("runtime error", done.stderr)
        return done.stdout if want == 0 else done.stderr

    def quota(self, host, account, *words, want=0):
        return self.run_it(host, "account", "quota", account.address, *words, want=want)

    def imap(self, host, account):
        box = imaplib.IMAP4(*host.imap, timeout=TIMEOUT)
        box.login(account.address, account.password)
        box.select()
        self.addCleanup(box.shutdown)
        return box

    def refused(self, answer):
        self.assertEqual(answer[0], "NO", answer)
        self.assertTrue(answer[1][0].startswith(b"[OVERQUOTA]"), answer)

    def rcpt(self, host, account):
        with smtplib.SMTP(*host.smtp, timeout=TIMEOUT) as client:
            client.ehlo("client.example")
            client.mail("sender@client.example")
            return client.rcpt(account.address)

    def wait_rcpt(self, host, account, code):
        wait_for(lambda: self.rcpt(host, account)[0] == code, what="%d for RCPT" % code)

    def send(self, host, account, size):
        with smtplib.SMTP(*host.smtp, timeout=TIMEOUT) as client:
            self.assertEqual(client.sendmail("sender@client.example", [account.address], letter("sent", size)), {})

    def empty(self, box):
        box.select()
        box.store("1:*", "+FLAGS", "(\\Deleted)")
        box.expunge()

    def test_all(self):
        host = self.host_with()
        alice, bob = host.alice, host.bob
        self.assertEqual(self.quota(host, alice), "quota     none (mailbox.quota)\nused      0 bytes in 0 messages\n")
        box = self.imap(host, alice)
        self.assertEqual(box.getquotaroot("INBOX")[1][1], [None])
        self.assertTrue(self.quota(host, alice, "100K").startswith("quota     100K\nused      0 bytes"))
        self.assertIn("quota     100K\n", self.run_it(host, "account", "show", alice.address))

        # The session that was there before has it.
        self.assertEqual(box.getquotaroot("INBOX")[1], [[b'"INBOX" ""'], [b'"" (STORAGE 0 100)']])
        text = letter("one", 40 * KIB)
        for _ in range(2):
            self.assertEqual(box.append("INBOX", "", None, text)[0], "OK")
        self.refused(box.append("INBOX", "", None, text))
        box.noop()
        self.assertEqual(box.getquota('""')[1], [b'"" (STORAGE %d 100)' % ((2 * len(text) + 1023) // 1024)])
        self.refused(box.copy("1", "INBOX"))
        box.create("Other")
        self.assertEqual(box._simple_command("MOVE", "1", "Other")[0], "OK")
        row = json.loads(self.quota(host, alice, "--json"))
        self.assertEqual(row, {"address": alice.address, "quota": 100 * KIB, "limit": 100 * KIB,
                               "used": 2 * len(text), "messages": 2})

        # Mail is taken while there is any room; then its senders try again later.
        self.send(host, alice, 40 * KIB)
        self.wait_rcpt(host, alice, 452)
        code, words = self.rcpt(host, alice)
        self.assertRegex(words, rb"4\.2\.2 <alice@alice\.example>: mailbox is full, try again later")
        self.assertEqual(self.rcpt(host, bob)[0], 250)
        self.assertEqual(json.loads(self.quota(host, alice, "--json"))["messages"], 3)
        self.send(host, bob, 200 * KIB)

        # A life of each role: it comes to be known again.
        for role in ("directory", "store"):
            for pid in host.roles()[role]:
                os.kill(pid, signal.SIGKILL)
            wait_for(lambda: subprocess.run(
                [POSTHOUSE, "account", "quota", alice.address, "--json", "--data", host.data],
                capture_output=True, timeout=TIMEOUT).stdout.find(b'"used"') >= 0, what="the %s" % role)
            self.wait_rcpt(host, alice, 452)

        box = self.imap(host, alice)
        typ, (status,) = box.status("INBOX", "(MESSAGES DELETED-STORAGE)")
        self.assertIn(b"DELETED-STORAGE 0", status)
        self.empty(box)
        self.wait_rcpt(host, alice, 250)
        self.assertEqual(box.append("INBOX", "", None, text)[0], "OK")

        # Limits that change count at once.
        self.quota(host, alice, "50K")
        self.wait_rcpt(host, alice, 452)
        self.quota(host, alice, "1G")
        self.wait_rcpt(host, alice, 250)
        self.quota(host, alice, "50K")
        self.wait_rcpt(host, alice, 452)
        self.assertIn("quota     none\n", self.quota(host, alice, "none"))
        self.wait_rcpt(host, alice, 250)
        self.assertIn("quota     none (mailbox.quota)\n", self.quota(host, alice, "default"))
        self.assertEqual(box.getquotaroot("INBOX")[1][1], [None])

    def test_configured(self):
        host = self.host_with("--set", "mailbox.quota=50K")
        alice, bob = host.alice, host.bob
        box = self.imap(host, alice)
        self.assertEqual(box.getquotaroot("INBOX")[1][1], [b'"" (STORAGE 0 50)'])
        self.refused(box.append("INBOX", "", None, letter("large", 60 * KIB)))
        self.send(host, alice, 60 * KIB)
        self.wait_rcpt(host, alice, 452)
        self.quota(host, alice, "1M")
        self.wait_rcpt(host, alice, 250)
        self.assertEqual(self.rcpt(host, bob)[0], 250)
        self.quota(host, bob, "none")
        self.assertEqual(self.imap(host, bob).append("INBOX", "", None, letter("large", 60 * KIB))[0], "OK")

    def test_import_stops_at_it(self):
        host = self.host_with()
        self.quota(host, host.alice, "100K")
        with tempfile.NamedTemporaryFile(suffix=".mbox") as mbox:
            for i in range(5):
                mbox.write(b"From b@alice.example Sun Nov 22 10:00:00 2026\n" +
                           letter("import %d" % i, 40 * KIB).replace(b"\r\n", b"\n") + b"\n")
            mbox.flush()
            said = self.run_it(host, "import", host.alice.address, "--mbox", mbox.name, want=1)
            self.assertIn("[OVERQUOTA]", said)
            self.assertEqual(host.count(), 2)
            self.quota(host, host.alice, "default")
            self.run_it(host, "import", host.alice.address, "--mbox", mbox.name)
            self.assertEqual(host.count(), 5)

    def test_wrong_words(self):
        host = self.host_with()
        for size in ("2X", "0", "1", "1023", "K", "2000000G", "", "1.5G"):
            self.assertIn("is no quota", self.quota(host, host.alice, size, want=2))
        self.assertIn("no account zoe", self.run_it(host, "account", "quota", "zoe@alice.example", "2G", want=1))
        self.assertIn("no account zoe", self.run_it(host, "account", "quota", "zoe@alice.example", want=1))
        self.run_it(host, "account", "quota", want=2)
        # Without a server, the limit is all that is known.
        self.quota(host, host.alice, "2G")
        host.stop()
        try:
            self.assertEqual(self.quota(host, host.alice), "quota     2G\n")
            self.assertEqual(self.quota(host, host.alice, "1536M"), "quota     1536M\n")
            self.assertIn('"quota": 1610612736', self.run_it(host, "account", "list", "--json"))
        finally:
            host.start()
        self.assertEqual(self.imap(host, host.alice).getquotaroot("INBOX")[1][1], [b'"" (STORAGE 0 1572864)'])


if __name__ == "__main__":
    unittest.main()
