"""Thunderbird reads, moves and flags mail by IMAP, beside imaplib: each sees what the other does.

One Thunderbird and one server serve all cases; each has messages of its own, by their subjects.
"""
import email.message
import imaplib
import re
import unittest

from server import Demo, wait_for
from thunderbird import Thunderbird

SECONDS = 120


def message(subject, body="one line"):
    made = email.message.EmailMessage()
    made["From"] = "Bob <bob@bob.example>"
    made["To"] = "alice@alice.example"
    made["Subject"] = subject
    made["Date"] = "Mon, 02 Nov 2026 10:00:00 +0000"
    made["Message-ID"] = "<%s@bob.example>" % re.sub(r"\W", ".", subject.encode("unicode_escape").decode())
    made.set_content(body + "\n", cte=None if body.isascii() else "quoted-printable")
    return made


def octets(made):
    return made.as_bytes().replace(b"\n", b"\r\n")


class Reads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo()
        cls.addClassCleanup(cls.host.__exit__)
        cls.host.__enter__()
        cls.reader = Thunderbird()
        cls.reader.__enter__()
        cls.addClassCleanup(cls.reader.__exit__, None, None, None)
        with open(cls.host.certificate) as f:
            cls.reader.run("account", *cls.host.imap, cls.host.alice.address, cls.host.alice.password, f.read())
        cls.wait("the first folders", lambda: {"INBOX", "Trash"} <= set(cls.reader.run("folders")))
        other = imaplib.IMAP4(*cls.host.imap, timeout=SECONDS)
        other.login(cls.host.alice.address, cls.host.alice.password)
        for name in ("Archive", "Sent"):
            other.create(name)
            other.subscribe(name)
        other.logout()
        cls.reader.run("discover")
        cls.wait("the folders", lambda: {"Archive", "Sent"} <= set(cls.reader.run("folders")))

    @classmethod
    def wait(cls, what, condition):
        try:
            return wait_for(condition, SECONDS, what)
        except AssertionError as error:
            raise AssertionError("%s; Thunderbird's dialogue:\n%s" % (error, cls.reader.dialogue())) from None

    def setUp(self):
        self.other = imaplib.IMAP4(*self.host.imap, timeout=SECONDS)
        self.addCleanup(self.other.shutdown)
        self.other.login(self.host.alice.address, self.host.alice.password)
        self.other.select("INBOX")
        self.reader.run("show", "INBOX")

    # What imaplib sees.

    def append(self, made, box="INBOX", flags=None):
        kind, words = self.other.append(box, flags, None, octets(made))
        self.assertEqual(kind, "OK", words)
        return re.search(rb"APPENDUID \d+ (\d+)", words[0]).group(1).decode()

    def flags(self, uid):
        words = self.other.uid("FETCH", uid, "FLAGS")[1][0]
        return {flag.decode() for flag in imaplib.ParseFlags(words)} - {"\\Recent"}

    def store(self, uid, change, flag):
        self.assertEqual(self.other.uid("STORE", uid, change, "(%s)" % flag)[0], "OK")

    def found(self, box, subject):
        """{UID: the octets} of these messages, by a look that is new."""
        self.assertEqual(self.other.select(box, readonly=True)[0], "OK")
        uids = self.other.uid("SEARCH", "SUBJECT", '"%s"' % subject)[1][0].decode().split()
        return {uid: self.other.uid("FETCH", uid, "BODY.PEEK[]")[1][0][1] for uid in uids}

    # What Thunderbird sees.

    def seen(self, subject, box="INBOX"):
        """What it knows of this message; None while it knows none."""
        return next((m for m in self.reader.run("messages", box) if m["subject"] == subject), None)

    def shown(self, subject, box="INBOX"):
        return self.wait("%s in Thunderbird's %s" % (subject, box), lambda: self.seen(subject, box))

    def listening(self, since=0):
        """When it has done with what is new, and is in IDLE: what goes away while it still fetches a body,
        it is told at the end of UID FETCH, and looks at only when it is asked for the folder again."""
        return self.wait("IDLE", lambda: max(0, self.reader.idles("INBOX") - since)) + since

    def became(self, subject, **wanted):
        self.wait("%s with %s" % (subject, wanted), lambda: wanted.items() <= self.seen(subject).items())

    def test_read(self):
        """What is new comes by IDLE; who clicks at it reads it, and then it is read for all."""
        uid = self.append(message("Grüße", "Blumenkübel beim Zählen"))
        row = self.shown("Grüße")
        self.assertEqual((row["from"], row["read"], row["uid"]), ("Bob <bob@bob.example>", False, int(uid)))
        self.assertEqual(row["bytes"], len(octets(message("Grüße", "Blumenkübel beim Zählen"))))
        self.reader.run("read", "INBOX", "Grüße")
        self.wait("the text", lambda: "Blumenkübel beim Zählen" in self.reader.run("text"))
        self.wait("the flag", lambda: self.flags(uid) == {"\\Seen"})
        self.assertTrue(self.seen("Grüße")["read"])

    def test_all_of_it(self):
        """With an attachment; each octet."""
        made = message("attached", "see there")
        made.add_attachment(bytes(range(256)) * 400, maintype="application", subtype="octet-stream", filename="a.bin")
        self.append(made)
        self.shown("attached")
        source = self.reader.run("source", "INBOX", "attached").encode("latin-1")
        # It puts lines of its own before; the rest is the message.
        self.assertTrue(source.endswith(octets(made)), source[:200])

    def test_delivered(self):
        """What came over SMTP."""
        self.assertEqual(self.host.send("delivered", "by SMTP\r\n")[0], 250)
        self.shown("delivered")
        self.reader.run("read", "INBOX", "delivered")
        self.wait("the text", lambda: "by SMTP" in self.reader.run("text"))

    def test_flags_of_thunderbird(self):
        uid = self.append(message("marked"))
        self.shown("marked")
        for change, flags in ((("mark", True), {"\\Seen"}), (("flag", True), {"\\Seen", "\\Flagged"}),
                              (("tag", "$label1"), {"\\Seen", "\\Flagged", "$label1"}),
                              (("mark", False), {"\\Flagged", "$label1"}), (("untag", "$label1"), {"\\Flagged"}),
                              (("flag", False), set())):
            with self.subTest(change):
                self.reader.run(change[0], "INBOX", "marked", change[1])
                self.wait(flags, lambda: self.flags(uid) == flags)

    def test_flags_of_another(self):
        """By IDLE, nothing asked."""
        uid = self.append(message("changed"))
        self.shown("changed")
        self.listening()
        for sign, flag, wanted in (("+", "\\Flagged", {"flagged": True}), ("+", "\\Seen", {"read": True}),
                                   ("+", "\\Answered", {"replied": True}), ("+", "$label2", {"keywords": ["$label2"]}),
                                   ("-", "\\Seen", {"read": False}), ("-", "$label2", {"keywords": []}),
                                   ("-", "\\Flagged", {"flagged": False})):
            with self.subTest(sign + flag):
                self.store(uid, sign + "FLAGS", flag)
                self.became("changed", **wanted)

    def test_expunged_by_another(self):
        for name in ("stays", "goes"):
            uid = self.append(message(name))
            self.shown(name)
        times = self.listening()
        self.store(uid, "+FLAGS", "\\Deleted")
        self.listening(times)
        self.assertEqual(self.other.expunge()[0], "OK")
        self.wait("it to go", lambda: not self.seen("goes"))
        self.assertTrue(self.seen("stays"))

    def test_copied_and_moved(self):
        made = message("carried")
        uid = self.append(made, flags="(\\Flagged)")
        self.shown("carried")
        self.reader.run("copy", "INBOX", "carried", "Archive", False)
        self.assertEqual(list(self.found("Archive", "carried").values()), [octets(made)])
        self.assertEqual(list(self.found("INBOX", "carried")), [uid])
        self.reader.run("copy", "INBOX", "carried", "Sent", True)
        self.assertEqual(list(self.found("INBOX", "carried")), [])
        [(uid, data)] = self.found("Sent", "carried").items()
        self.assertEqual((data, self.flags(uid)), (octets(made), {"\\Flagged"}))
        self.reader.run("update", "Sent")
        self.assertTrue(self.shown("carried", "Sent")["flagged"])
        self.wait("it to go", lambda: not self.seen("carried"))

    def test_moved_by_another(self):
        uid = self.append(message("put away"))
        self.shown("put away")
        self.listening()
        self.assertEqual(self.other._simple_command("UID", "MOVE", uid, "Archive")[0], "OK")
        self.wait("it to go", lambda: not self.seen("put away"))
        self.reader.run("update", "Archive")
        self.shown("put away", "Archive")

    def test_thrown_away(self):
        """To the trash, and from there for ever."""
        self.append(message("rubbish"))
        self.shown("rubbish")
        self.reader.run("remove", "INBOX", "rubbish", False)
        self.wait("the trash", lambda: self.found("Trash", "rubbish"))
        self.assertEqual(self.found("INBOX", "rubbish"), {})
        self.reader.run("update", "Trash")
        self.shown("rubbish", "Trash")
        self.reader.run("remove", "Trash", "rubbish", True)
        self.reader.run("expunge", "Trash")
        self.wait("the end of it", lambda: not self.found("Trash", "rubbish"))

    def test_kept(self):
        """A copy of what it sent, which is read."""
        self.reader.run("keep", "Sent", octets(message("kept", "no answer yet")).decode())
        [(uid, data)] = self.found("Sent", "kept").items()
        self.assertIn(b"no answer yet\r\n", data)
        self.assertEqual(self.flags(uid), {"\\Seen"})
        self.reader.run("update", "Sent")
        self.assertTrue(self.shown("kept", "Sent")["read"])

    def test_searched(self):
        """By the server, which sees the text that is written in base64."""
        made = message("hay")
        made.set_content("a needle in it\n", cte="base64")
        self.append(made)
        self.append(message("straw", "nothing"))
        self.shown("straw")
        self.assertEqual(self.reader.run("search", "INBOX", "needle in"), ["hay"])
        self.assertEqual(self.reader.run("search", "INBOX", "not there at all"), [])

    def boxes(self):
        return {line.decode().rpartition(' "/" ')[2].strip('"') for line in self.other.list()[1]}

    def test_folders(self):
        """Made by either, with a name that is not ASCII, in one another, and renamed."""
        self.reader.run("make", "Kübel")
        self.wait("the folder", lambda: "K&APw-bel" in self.boxes())
        self.assertEqual(self.other.create("K&APw-bel/below")[0], "OK")
        self.assertEqual(self.other.subscribe("K&APw-bel/below")[0], "OK")
        self.wait("its folder", lambda: "Kübel" in self.reader.run("folders"))
        self.reader.run("discover")
        self.wait("the other's", lambda: "Kübel/below" in self.reader.run("folders"))
        made = message("deep")
        self.append(made, '"K&APw-bel/below"')
        self.reader.run("update", "Kübel/below")
        self.shown("deep", "Kübel/below")
        self.reader.run("rename", "Kübel", "Eimer")
        self.wait("the new name", lambda: {"Eimer", "Eimer/below"} <= self.boxes())
        self.assertNotIn("K&APw-bel", self.boxes())
        self.wait("its new name", lambda: "Eimer/below" in self.reader.run("folders"))
        self.assertEqual(list(self.found("Eimer/below", "deep").values()), [octets(made)])


if __name__ == "__main__":
    unittest.main()
