"""domain, account and alias: with a server, without one, and with wrong words."""
import json
import os
import poplib
import shutil
import signal
import smtplib
import subprocess
import tempfile
import unittest

from server import Demo, POSTHOUSE, wait_for


class Commands:
    """posthouse COMMANDS on one data folder."""

    def __init__(self, data):
        self.data = data

    def run(self, *words, stdin=""):
        return subprocess.run([POSTHOUSE, *words, "--data", self.data], input=stdin,
                              capture_output=True, text=True, timeout=120)

    def done(self, *words, stdin=""):
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, (words, done)
        assert done.stderr == "", (words, done)
        return done.stdout

    def refused(self, status, *words, stdin=""):
        """One line on stderr, nothing on stdout."""
        done = self.run(*words, stdin=stdin)
        assert done.returncode == status, (words, done)
        assert done.stdout == "" and done.stderr.count("\n") == 1, (words, done)
        assert done.stderr.startswith("posthouse: "), (words, done)
        return done.stderr

    def rows(self, what):
        return json.loads(self.done(what, "list", "--json"))


class WithoutServer(unittest.TestCase):
    def setUp(self):
        self.data = tempfile.mkdtemp(prefix="posthouse-test-")
        self.addCleanup(shutil.rmtree, self.data, ignore_errors=True)
        self.commands = Commands(os.path.join(self.data, "data"))

    def test_all(self):
        c = self.commands
        self.assertIn("No such file", c.refused(1, "domain", "list"))
        c.done("domain", "add", "Example.ORG")
        self.assertIn("served already", c.refused(1, "domain", "add", "example.org"))
        c.done("account", "add", "Alice@example.org", "--password-stdin", stdin="secret\n")
        made = json.loads(c.done("account", "add", "bob@example.org", "--generate", "--json"))
        self.assertRegex(made["password"], r"^[0-9a-z]{5}(-[0-9a-z]{5}){3}$")
        c.done("alias", "add", "team@example.org", "alice@example.org", "bob@example.org")
        self.assertEqual(c.rows("alias"), [{"alias": "team@example.org", "targets":
                                            ["alice@example.org", "bob@example.org"]}])
        self.assertEqual([r["address"] for r in c.rows("account")],
                         ["alice@example.org", "bob@example.org"])
        c.done("account", "disable", "bob@example.org")
        self.assertTrue(json.loads(c.done("account", "show", "bob@example.org",
                                          "--json"))["disabled"])
        self.assertIn("give --yes", c.refused(1, "account", "remove", "bob@example.org"))
        self.assertIn("1 alias", c.done("account", "remove", "bob@example.org", "--yes"))
        self.assertIn("accounts (1)", c.refused(1, "domain", "remove", "example.org"))
        c.done("account", "remove", "alice@example.org", "--yes")
        self.assertEqual(c.rows("alias"), [])
        c.done("domain", "remove", "example.org")
        self.assertEqual(c.rows("domain"), [])

    def test_wrong_words(self):
        c = self.commands
        c.done("domain", "add", "example.org")
        self.assertIn('did you mean "list"', c.refused(2, "domain", "lsit"))
        c.refused(2, "domain", "add")
        c.refused(2, "domain", "add", "a.example", "b.example")
        c.refused(2, "alias", "add", "x@example.org")
        self.assertIn("no option --yes", c.refused(2, "account", "list", "--yes"))
        self.assertIn("not a domain name", c.refused(1, "domain", "add", "[127.0.0.1]"))
        self.assertIn("not a whole address",
                      c.refused(1, "account", "add", "alice", "--generate"))
        self.assertIn("posthouse domain add elsewhere.example",
                      c.refused(1, "account", "add", "a@elsewhere.example", "--generate"))
        self.assertIn("password is empty",
                      c.refused(1, "account", "add", "a@example.org", "--password-stdin",
                                stdin="\n"))
        self.assertIn("no password hash",
                      c.refused(1, "account", "add", "a@example.org", "--hash-stdin",
                                stdin="plain\n"))
        self.assertIn("--password-stdin", c.refused(1, "account", "add", "a@example.org"))
        self.assertEqual(c.rows("account"), [])

    def test_newer_folder(self):
        c = self.commands
        c.done("domain", "add", "example.org")
        with open(os.path.join(c.data, "version"), "w") as file:
            file.write("99\n")
        self.assertIn("newer", c.refused(1, "domain", "list"))


class WithServer(unittest.TestCase):
    def login(self, host, address, password):
        pop3 = poplib.POP3(*host.pop3, timeout=60)
        try:
            pop3.user(address)
            pop3.pass_(password)
            return True
        except poplib.error_proto:
            return False
        finally:
            pop3.close()

    def test_changes_count_at_once(self):
        with Demo() as host:
            c = Commands(host.data)
            carol = "carol@" + host.domain
            c.done("account", "add", carol, "--password-stdin", stdin="one\n")
            self.assertTrue(self.login(host, carol, "one"))
            c.done("account", "passwd", carol, "--password-stdin", stdin="two\n")
            self.assertFalse(self.login(host, carol, "one"))
            self.assertTrue(self.login(host, carol, "two"))
            c.done("account", "disable", carol)
            self.assertFalse(self.login(host, carol, "two"))
            c.done("account", "enable", carol)
            self.assertTrue(self.login(host, carol, "two"))
            hashed = subprocess.run(["openssl", "passwd", "-6", "three"], capture_output=True,
                                    text=True, check=True).stdout
            c.done("account", "passwd", carol, "--hash-stdin", stdin="{CRYPT}" + hashed)
            for _ in range(3):
                self.assertTrue(self.login(host, carol, "three"))
            self.assertIn("posthouse.conf; remove it there",
                          c.refused(1, "domain", "remove", host.domain))

            # The directory is killed: commands wait until it is there again.
            os.kill(host.roles()["directory"][0], signal.SIGKILL)
            c.done("account", "show", carol)
            wait_for(lambda: self.login(host, carol, "three"), what="a login after the kill")
            c.done("account", "remove", carol, "--yes")
            self.assertFalse(self.login(host, carol, "three"))

    def test_log_tells_of_a_delivery(self):
        with Demo() as host:
            c = Commands(host.data)
            with smtplib.SMTP(*host.smtp, timeout=60) as smtp:
                smtp.sendmail("eve@example.org", [host.bob.address], "Subject: x\r\n\r\nx\r\n")
            wait_for(lambda: "delivered UID 1 at " in c.done("account", "log", host.bob.address),
                     what="the delivery in the log")
            self.assertNotIn("delivered UID", c.done("account", "log", host.alice.address))
            self.assertIn("did you mean", c.refused(1, "account", "log", "bbo" + host.bob.address[3:]))

    def test_guessing_is_slowed(self):
        with Demo() as host:
            for i in range(10):
                self.assertFalse(self.login(host, host.bob.address, "guess%d" % i))
            pop3 = poplib.POP3(*host.pop3, timeout=60)
            pop3.user(host.bob.address)
            with self.assertRaisesRegex(poplib.error_proto, "too many failed logins"):
                pop3.pass_(host.bob.password)
            pop3.close()
            self.assertTrue(self.login(host, host.alice.address, host.alice.password))
            wait_for(lambda: self.login(host, host.bob.address, host.bob.password),
                     what="bob's login after the wait")


if __name__ == "__main__":
    unittest.main()
