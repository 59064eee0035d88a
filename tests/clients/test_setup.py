"""posthouse setup: a first configuration that serves at once, and what may go wrong."""
import os
import subprocess
import tempfile
import unittest

from server import POSTHOUSE


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
                      *["--set=listen.%s=none" % s for s in ("smtp", "submission", "submissions",
                                                             "pop3", "pop3s")])
        self.assertEqual(checked.returncode, 0, checked.stderr)

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
