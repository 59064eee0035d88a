"""posthouse setup: a first configuration that serves at once, and what may go wrong."""
import imaplib
import os
import resource
import subprocess
import tempfile
import unittest

from server import POSTHOUSE, Account, Demo, wait_for

PASSWORD = "correct horse battery"


def run(folder, *words, stdin=""):
    return subprocess.run([POSTHOUSE, *words], cwd=folder, input=stdin, capture_output=True,
                          text=True, timeout=60)


class TestSetup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_first_configuration(self):
        done = run(self.folder, "setup", "Example.org", "--data", "./data", "--password-stdin",
                   stdin="correct horse battery\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in ("example.org.  IN MX 10 mail.example.org.", "v=spf1 mx -all",
                     "account postmaster@example.org added",
                     "posthouse serve --config posthouse.conf"):
            self.assertIn(line, done.stdout)
        self.assertNotIn("correct horse", done.stdout)
        listed = run(self.folder, "account", "list", "--config", "posthouse.conf")
        self.assertIn("postmaster@example.org", listed.stdout)
        checked = run(self.folder, "check", "--config", "posthouse.conf", "--set", "user=none",
                      *["--set=listen.%s=none" % s for s in Demo.services])
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_it_serves(self):
        """What it wrote starts a server, from another folder; the postmaster's mail arrives."""
        done = run(self.folder, "setup", "example.org", "--data", "data/", "--password-stdin",
                   stdin=PASSWORD + "\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        config = os.path.join(self.folder, "posthouse.conf")
        # Not as a user of its own, on free ports: the rest is as it was written.
        class Server(Demo):
            def words(self):
                return ["--config", config, "--set=user=none", *[
                    "--set=listen.%s=127.0.0.1:0" % s for s in self.services]]

            def learn(self, row):
                self.alice = Account({"address": "postmaster@example.org", "password": PASSWORD})

            def before_exec(self):
                os.chdir("/")
        with Server(data=os.path.join(self.folder, "data")) as host:
            self.assertEqual(host.ready["hosts"][0]["name"], "mail.example.org")
            self.assertEqual(host.send("hello", to="postmaster@example.org")[0], 250)
            wait_for(lambda: host.count() == 1, what="the message")
            with imaplib.IMAP4(*host.imap) as client:
                client.login(host.alice.address, host.alice.password)
                listed = b" ".join(client.list()[1]).decode()
                for use in ("Archive", "Drafts", "Junk", "Sent", "Trash"):
                    self.assertRegex(listed, r'\\%s\) "/" "?%s' % (use, use))
        self.assertEqual(sorted(os.listdir(self.folder)), ["data", "posthouse.conf"])

    def test_records_again(self):
        made = run(self.folder, "setup", "example.org", "--hostname", "mx.example.net", "--data",
                   "data", "--generate")
        self.assertEqual(made.returncode, 0, made.stderr)
        before = sorted(os.listdir(self.folder))
        for words, mx in (([], "mx.example.net"), (["--hostname", "a.example"], "a.example")):
            done = run(self.folder, "setup", "--records", "example.org", "--config",
                       "posthouse.conf", *words)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("example.org.  IN MX 10 %s.\n" % mx, done.stdout)
            self.assertIn("v=spf1 mx -all", done.stdout)
        same = run(self.folder, "setup", "--records", "example.org", "--config", "posthouse.conf")
        self.assertIn(same.stdout, made.stdout)
        self.assertIn("setup --records example.org --config posthouse.conf", made.stdout)
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        none = run(self.folder, "setup", "--records", "example.org", "--config", "none.conf")
        self.assertEqual((none.returncode, none.stdout), (1, ""))

    def test_disk_is_full(self):
        """No half a file: it can be tried again."""
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        done = subprocess.run([POSTHOUSE, "setup", "example.org", "--data", "data", "--generate"],
                              cwd=self.folder, capture_output=True, text=True, timeout=60,
                              preexec_fn=small_files, restore_signals=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("cannot write posthouse.conf: File too large", done.stderr)
        self.assertEqual(os.listdir(self.folder), [])
        self.assertEqual(run(self.folder, "setup", "example.org", "--data", "data",
                             "--generate").returncode, 0)

    def test_paths(self):
        for data, said in (("a#b", "begins a comment"), ("a\nb", "a control character"),
                           ("x/" * 600, "too long"), ("a ", "a blank at its end"),
                           (b"\xff", "no UTF-8")):
            with self.subTest(data=data):
                done = run(self.folder, "setup", "example.org", "--data", data)
                self.assertEqual((done.returncode, done.stdout), (2, ""))
                self.assertIn(said, done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        folder = os.path.join(self.folder, "c#")
        os.mkdir(folder)
        done = run(folder, "setup", "example.org", "--data", "data")
        self.assertIn("begins a comment", done.stderr)
        self.assertEqual(os.listdir(self.folder), ["c#"])

    def test_long_names(self):
        label = "x" * 60
        for n, taken in ((243, True), (245, False), (250, False)):
            domain = (".".join([label] * 4) + "." + "a" * 60)[:n]
            done = run(self.folder, "setup", domain, "--data", "data", "--generate")
            self.assertEqual(done.returncode, 0 if taken else 2, done.stderr)
            if taken:
                self.assertIn("%s.  IN MX 10 mail.%s.\n" % (domain, domain), done.stdout)
                os.unlink(os.path.join(self.folder, "posthouse.conf"))
            else:
                self.assertIn("postmaster@ has no room", done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1)

    def test_nothing_is_overwritten(self):
        config = os.path.join(self.folder, "posthouse.conf")
        with open(config, "w") as f:
            f.write("mine\n")
        done = run(self.folder, "setup", "example.org", "--data", "./data", "--generate")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("is there already: nothing was changed", done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(open(config).read(), "mine\n")
        self.assertFalse(os.path.exists(os.path.join(self.folder, "data")))

    def test_bad_input(self):
        for words, status in ((["exam_ple"], 2), (["localhost"], 2), ([], 2),
                              (["a.example", "--hostname", "b"], 2),
                              (["a.example", "--config", "/nonexistent/x"], 1)):
            with self.subTest(words=words):
                done = run(self.folder, "setup", *words)
                self.assertEqual((done.returncode, done.stdout), (status, ""))
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
