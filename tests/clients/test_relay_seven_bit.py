"""Mail of 8 bits for a host that offers no 8BITMIME: Python's email package reads the same
in what came there as in what was sent."""
import collections
import email
import email.policy
import glob
import os
import re
import smtplib
import unittest

from lab import Lab, Script, message, take
from server import wait_for

TO = "x@old.example"
TEXT = "Grüße, 你好\r\n.punkt \r\nFrom hier\r\n".encode() + b"latin: \xe4\xf6\xfc\r\n"
MIME = (b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n")
CHANGED = ("content-transfer-encoding", "content-type", "mime-version")


def parts(data):
    """What a reader sees: of each part its type, its fields, its content."""
    rows = []
    for part in email.message_from_bytes(data).walk():
        fields = [(k.lower(), v) for k, v in part.items() if k.lower() not in CHANGED]
        charset = part.get_content_charset()
        rows.append((part.get_content_type(), fields, part.get_boundary() if part.is_multipart() else
                     (None if charset == "unknown-8bit" else charset, part.get_payload(decode=True))))
    return rows


def unstuffed(body):
    return re.sub(rb"(?m)^\.", b"", body)


class SevenBit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab("bob.example", records="old MX 10 mx.old\nmx.old A {1}\n")
        cls.lab.start()
        cls.bob = cls.lab.bob
        cls.bob.run("alias", "add", "out@bob.example", TO)

    @classmethod
    def tearDownClass(cls):
        cls.lab.stop()

    def setUp(self):
        self.bodies, self.commands = [], []
        self.host = Script(self.lab, self.lab.spare[0], self.talk)
        self.addCleanup(self.host.close)

    def talk(self, connection):
        """A host of the old days: SIZE and nothing else."""
        lines = connection.makefile("rb")
        connection.sendall(b"220 mx ESMTP\r\n")
        for line in lines:
            self.commands.append(line.decode().strip())
            word = line[:4].upper()
            connection.sendall({b"EHLO": b"250-mx\r\n250 SIZE 50000000\r\n",
                                b"DATA": b"354 go on\r\n"}.get(word, b"250 ok\r\n"))
            if word == b"DATA":
                body = b"".join(iter(lambda: next(lines), b".\r\n"))
                self.bodies.append(unstuffed(body))
                connection.sendall(b"250 ok\r\n")

    def send(self, data):
        with self.bob.login() as client:
            client.sendmail("bob@bob.example", [TO], data, mail_options=["BODY=8BITMIME"])

    def arrived(self, n=1):
        wait_for(lambda: len(self.bodies) >= n, what="the message")
        return self.bodies[n - 1]

    def mails(self):
        return [c for c in self.commands if c.startswith("MAIL")]

    def test_no_mime(self):
        self.send(message("plain", "bob@bob.example", TO, TEXT))
        got = self.arrived()
        self.assertTrue(got.isascii())
        read = email.message_from_bytes(got)
        self.assertEqual((read["MIME-Version"], read["Content-Type"], read["Content-Transfer-Encoding"]),
                         ("1.0", "text/plain; charset=unknown-8bit", "quoted-printable"))
        self.assertEqual(read.get_payload(decode=True), TEXT)
        # Neither BODY=8BITMIME nor the size of something else.
        self.assertEqual(self.mails(), ["MAIL FROM:<bob@bob.example>"])

    def test_parts(self):
        image = bytes(range(128, 256)) * 20 + b"\r\n"
        data = message("parts", "bob@bob.example", TO, b"")[:-2] + (
            b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n"
            b"Content-Transfer-Encoding: 8bit\r\n\r\n--=_b\r\n" + MIME + b"\r\n" + TEXT +
            b"\r\n--=_b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + image +
            b"\r\n--=_b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
            b"Subject: inner\r\n" + MIME + b"\r\n" + TEXT + b"\r\n--=_b--\r\n")
        self.send(data)
        got = self.arrived()
        self.assertTrue(got.isascii())
        self.assertLessEqual(max(map(len, got.split(b"\r\n"))), 998)
        read = email.message_from_bytes(got)
        self.assertEqual([p["Content-Transfer-Encoding"] for p in read.walk()],
                         ["7bit", "quoted-printable", "base64", "7bit", "quoted-printable"])
        sent = parts(data)
        have = parts(got)
        self.assertEqual(have[1:], sent[1:])
        self.assertEqual(sent[2][2][1], image)

    def test_ascii(self):
        """It said 8BITMIME; nothing is changed."""
        data = message("ascii", "bob@bob.example", TO, b"no more than that\r\n")
        self.send(data)
        self.assertTrue(self.arrived().endswith(data))
        self.assertRegex(self.mails()[0], r"^MAIL FROM:<bob@bob\.example> SIZE=\d+$")

    def test_what_cannot_be(self):
        """Returned, at once, also over a session that rested."""
        signed = (b"MIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=b;\r\n"
                  b" protocol=\"application/pgp-signature\"\r\n\r\n--b\r\n" + MIME + b"\r\n" + TEXT +
                  b"\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n")
        for n, (more, words) in enumerate([
                (signed, "a signed part has 8-bit characters"),
                ("X-Name: Jörg\r\n\r\n".encode() + TEXT, "a field of its header")] * 2):
            subject = "not %d" % n
            self.send(message(subject, "bob@bob.example", TO, b"")[:-2] + more)
            report = email.message_from_bytes(take(self.bob, "Undelivered mail returned to sender"))
            status = report.get_payload()[1].get_payload()[1]
            self.assertEqual(status["Status"], "5.6.3")
            said = " ".join(report.get_payload()[0].get_payload().split())
            self.assertIn("does not offer 8BITMIME", said)
            self.assertIn(words, said)
        self.assertEqual((self.bodies, self.mails(), self.host.connections), ([], [], 1))
        self.assertEqual(self.bob.queue(), [])

    def test_what_others_collected(self):
        """All messages of the suites: as they are, and with something of 8 bits in each part."""
        suites = os.environ.get("POSTHOUSE_SUITES", "")
        paths = sorted(p for p in glob.glob(os.path.join(suites, "mime-*", "**"), recursive=True)
                       if re.search(r"\.(eml|txt|msg|raw)$", p))
        if not paths:
            self.skipTest("POSTHOUSE_SUITES (%s) has no mime-*" % suites)
        sent = {}
        with smtplib.SMTP(*self.bob.smtp, timeout=120) as client:
            client.ehlo("client.example")
            for path in paths:
                with open(path, "rb") as file:
                    data = file.read()
                for data in filter(None, (usable(data), with_eight_bits(data))):
                    if data.isascii():
                        continue
                    key = b"X-Number: %d\r\n" % len(sent)
                    client.mail("", ["BODY=8BITMIME"])
                    client.rcpt("out@bob.example")
                    code, words = client.data(key + data)
                    if code == 250:
                        sent[key] = data
        wait_for(lambda: not self.bob.queue(), what="an empty queue", seconds=120)
        arrived = {}
        for body in self.bodies:
            self.assertTrue(body.isascii())
            key = re.search(rb"(?m)^X-Number: \d+\r\n", body)[0]
            arrived[key] = body.split(key, 1)[1]
        count = collections.Counter()
        for key, data in sent.items():
            if key not in arrived:
                count[why_not(data)] += 1
                self.assertIsNotNone(why_not(data), "%s: not converted: %r" % (key, data[:2000]))
                continue
            count["converted"] += 1
            self.assertEqual(parts(key + arrived[key]), parts(key + data), key)
        print("# %d sent: %s" % (len(sent), dict(count)))
        self.assertGreater(count["converted"], 100)


def usable(data):
    """With line ends of SMTP; None: it is not one to be sent."""
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    # Python takes a field whose name has a blank behind it for the body's first line.
    if b"\0" in data or re.search(rb"(?m)^[!-9;-~]+[ \t]+:", data.split(b"\r\n\r\n")[0]):
        return None
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def with_eight_bits(data):
    """The same message, ASCII in its headers, its parts said to be 8bit, and being that."""
    read = email.message_from_bytes(data)
    for part in read.walk():
        part._headers = [(k, str(v).encode("ascii", "replace").decode()) for k, v in part._headers]
        content = None if part.is_multipart() else part.get_payload(decode=True)
        if content is None:
            continue
        del part["Content-Transfer-Encoding"]
        part["Content-Transfer-Encoding"] = "8bit"
        part._payload = (content + "ü \r\n".encode()).decode("ascii", "surrogateescape")
    try:
        return usable(read.as_bytes(policy=email.policy.compat32.clone(max_line_length=0)))
    except UnicodeError:
        return None                     # a message that Python can't write


def why_not(data):
    """The reason that there is for returning it, as Python sees it; None: there is none."""
    for part in email.message_from_bytes(data).walk():
        kind, encoding = part.get_content_type(), part.get("Content-Transfer-Encoding", "").lower()
        if any(not str(v).isascii() or "unknown-8bit" in repr(v) for v in part.values()):
            return "header"
        if kind == "multipart/signed":
            return "signed"
        if kind.startswith("message/") and kind != "message/rfc822":
            return "message"
        if len(part.get_all("Content-Type", [])) > 1 or \
                len(part.get_all("Content-Transfer-Encoding", [])) > 1:
            return "two of a field"
        if len(part.get_boundary() or "") > 256:
            return "long boundary"
        said = str(part.get("Content-Type", "")).lower().strip()
        if part.defects or (said.startswith("multipart/") and not part.is_multipart()):
            return "defects"
        if encoding.strip() not in ("", "7bit", "8bit", "binary"):
            return "encoding"
    return None


if __name__ == "__main__":
    unittest.main()
