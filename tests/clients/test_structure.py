"""posthouse structure: the parts of a message, and what IMAP says of it."""
import os
import subprocess
import tempfile
import unittest

from server import POSTHOUSE

MESSAGE = (b"From: Alice <a@b.example>\r\nSubject: \xc3\xa4\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
           b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nSGk=\r\n"
           b"--b\r\nContent-Type: image/png; name=\"a\x1bb.png\"\r\nContent-Disposition: attachment\r\n\r\nxyz\r\n--b--\r\n")


class TestStructure(unittest.TestCase):
    def structure(self, *words, text=b""):
        done = subprocess.run([POSTHOUSE, "structure", *words], capture_output=True, timeout=60, input=text)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_parts(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(MESSAGE)
            file.flush()
            code, said, err = self.structure(file.name)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual([line.split() for line in said.splitlines()], [
            ["(all)", "multipart/mixed,", str(len(MESSAGE.split(b"\r\n\r\n", 1)[1])), "bytes"],
            ["1", "text/plain,", "4", "bytes,", "decoded", "2,", "shown", "as", "text"],
            ["2", "image/png", '"a', 'b.png",', "3", "bytes,", "attachment"]])

    def test_imap(self):
        """Nothing that a terminal obeys gets through; what is no ASCII is a literal."""
        code, said, err = self.structure("-", "--imap", text=MESSAGE)
        self.assertEqual((code, err), (0, ""))
        self.assertIn('ENVELOPE (NIL {2}  \u00e4 (("Alice" NIL "a" "b.example"))', said)
        self.assertIn('(("text" "plain" NIL NIL NIL "base64" 4 0 NIL NIL NIL NIL)("image" "png" ("name" {7}  a b.png)', said)
        self.assertNotIn("\x1b", said)

    def test_no_file(self):
        code, said, err = self.structure(os.path.join(tempfile.gettempdir(), "there is none"))
        self.assertEqual((code, said, err.count("\n")), (1, "", 1), err)
        self.assertEqual(self.structure()[0], 2)


if __name__ == "__main__":
    unittest.main()
