"""posthouse lint: findings in words and as JSON; exit 1 when there are errors."""
import json
import os
import subprocess
import tempfile
import unittest
from email.utils import formatdate

from server import POSTHOUSE

GOOD = ("Date: %s\r\nFrom: Alice <a@b.example>\r\nTo: c@d.example\r\nMessage-ID: <1@b.example>\r\n"
        "Subject: s\r\n\r\ntext\r\n")


class TestLint(unittest.TestCase):
    def lint(self, *words, text=None):
        done = subprocess.run([POSTHOUSE, "lint", *words], capture_output=True, timeout=60,
                              input=text and text.encode())
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_clean(self):
        self.assertEqual(self.lint("-", "--from", "a@b.example", "--to", "c@d.example",
                                   text=GOOD % formatdate()),
                         (0, "nothing to say against it\n", ""))

    def test_envelope(self):
        """Addresses as SMTP writes them, too; what is none is said."""
        text = GOOD % formatdate()
        for sender in ("<a@b.example>", " A@b.example ", "<>", ""):
            self.assertEqual(self.lint("-", "--from", sender, "--to", "<c@d.example>", text=text),
                             (0, "nothing to say against it\n", ""), sender)
        for words in (("--from", "a b"), ("--from", "<a@b.example"), ("--from", "a@b.example, c@d"),
                      ("--to", ""), ("--to", "<>")):
            code, said, err = self.lint("-", *words, text=text)
            self.assertEqual((code, said, err.count("\n")), (2, "", 1), err)
            self.assertIn(words[0] + " wants an address", err)

    def test_words(self):
        """Warnings and hints alone are no failure; errors are."""
        text = GOOD % "today"
        code, said, _ = self.lint("-", "--from", "x@b.example", text=text)
        self.assertEqual(code, 0)
        self.assertIn("warning: Date: Date cannot be read (date-bad, RFC 5322 section 3.3)\n", said)
        self.assertIn("hint: From: ", said)
        code, said, _ = self.lint("-", text=text.replace("\r", ""))
        self.assertEqual(code, 1)
        self.assertIn("error: line 1: a CR or LF stands alone (line-end, RFC 5322 section 2.3)\n"
                      "    end each line with CR LF\n", said)

    def test_json(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(("Subject: \u00e4\r\n\r\n").encode())
            file.flush()
            code, said, _ = self.lint(file.name, "--json")
            self.assertEqual(code, 1)
            rows = {row["rule"]: row for row in map(json.loads, said.splitlines())}
            self.assertEqual(set(rows), {"subject-8bit", "date-missing", "from-missing",
                                         "message-id-missing"})
            self.assertEqual(set(rows["subject-8bit"]), {"rule", "severity", "where", "clause",
                                                         "words", "remedy"})
            self.assertEqual(rows["subject-8bit"]["severity"], "error")
            self.assertNotIn("subject-8bit", self.lint(file.name, "--json", "--smtputf8")[1])

    def test_no_file(self):
        path = os.path.join(tempfile.gettempdir(), "there is none")
        code, said, err = self.lint(path)
        self.assertEqual((code, said, err.count("\n")), (1, "", 1), err)
        self.assertEqual(self.lint()[0], 2)


if __name__ == "__main__":
    unittest.main()
