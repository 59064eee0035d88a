"""IMAP as people and their programs use it: imaplib, curl, mutt, neomutt, mbsync, offlineimap,
fetchmail, getmail, javax.mail and npm's imapflow, over 143, STARTTLS and 993. What one client does
is what the others see, and what POP3 shows of it.

One server; each case has a mailbox of its own, named like the case, or empties INBOX first."""
import base64
import contextlib
import fcntl
import hashlib
import imaplib
import json
import mailbox
import os
import poplib
import pty
import re
import select
import shutil
import ssl
import struct
import subprocess
import tempfile
import termios
import time
import unittest

from server import Demo
from test_mailpit_api import modules
from test_send_and_read import BODIES, lf, run, run_getmail

HERE = os.path.dirname(os.path.abspath(__file__))
JARS = ["/usr/share/java/javax.mail.jar", "/usr/share/java/javax.activation.jar"]
HEADER = (b"From: Bob <bob@alice.example>\r\nTo: alice@alice.example\r\nSubject: %s\r\n"
          b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <%s@client.example>\r\n\r\n")
PARTS = (
    b"From: Bob <bob@alice.example>\r\nSubject: parts\r\nDate: Sun, 22 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b1\r\n\r\nbefore\r\n--b1\r\n%s\r\n--b1\r\n%s\r\n--b1--\r\nafter\r\n")
TEXT = (b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", b"Gr=C3=BC=C3=9Fe\r\nBob\r\n")
FILE = (b'Content-Type: application/octet-stream; name="a.bin"\r\nContent-Disposition: attachment\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n", base64.encodebytes(bytes(range(256)) * 40).replace(b"\n", b"\r\n"))
CHARACTER_SETS = {
    "Привет": ("windows-1251", "koi8-r", "iso-8859-5"), "Δοκιμή": ("iso-8859-7", "windows-1253"),
    "テスト": ("iso-2022-jp", "shift_jis", "euc-jp"), "测试": ("gb18030", "gb2312"), "測試": ("big5",), "시험": ("euc-kr",)}
MANY = 2500                             # of mbsync, on each side
host = scratch = None


def setUpModule():
    global host, scratch
    host = Demo()
    host.start()
    scratch = tempfile.mkdtemp(prefix="posthouse-test-")
    os.chmod(scratch, 0o711)            # getmail writes as nobody


def tearDownModule():
    host.__exit__()
    shutil.rmtree(scratch)


def letter(subject, body=b"Hello Alice,\r\nthis is Bob.\r\n"):
    return HEADER % (subject.encode(), subject.encode()) + body


def contents(path):
    with open(path, "rb") as f:
        return f.read()


def utf7(name):
    """A mailbox's name as IMAP4rev1 writes it (RFC 3501 s5.1.3)."""
    def shift(found):
        text = base64.b64encode(found[0].encode("utf-16-be")).rstrip(b"=").replace(b"/", b",")
        return "&%s-" % text.decode()
    return re.sub(r"[^\x20-\x7e]+", shift, name.replace("&", "&-"))


def quoted(name):
    return '"%s"' % utf7(name).replace("\\", "\\\\").replace('"', '\\"')


def tls():
    context = ssl.create_default_context(cafile=host.certificate)
    context.check_hostname = False      # the certificate is right, 127.0.0.1 is no name of it
    return context


def ok(answer):
    if answer[0] != "OK":
        raise AssertionError(answer)
    return answer[1]


def numbers(answer):
    """Of SEARCH."""
    return [int(n) for n in b" ".join(one or b"" for one in ok(answer)).split()]


def connect(way="plain", account=None):
    account = account or host.alice
    if way == "tls":
        box = imaplib.IMAP4_SSL(*host.imaps, ssl_context=tls(), timeout=60)
    else:
        box = imaplib.IMAP4(*host.imap, timeout=60)
    if way == "starttls":
        ok(box.starttls(tls()))
    ok(box.login(account.address, account.password))
    return box


def literal(box, what, item, uid=False):
    """The octets of the one literal that FETCH answers for a message."""
    found = [one for one in ok(box.uid("FETCH", what, "(%s)" % item) if uid else box.fetch(what, "(%s)" % item))
             if isinstance(one, tuple)]
    if len(found) != 1:
        raise AssertionError("%s of %s: %s" % (item, what, found))
    return found[0][1]


def words(box, what, item):
    """An answer of FETCH without literals, one line a message."""
    return [one.decode() for one in ok(box.fetch(what, "(%s)" % item))]


def uids(box):
    """UIDs count through an account: which they are is the server's affair."""
    return numbers(box.uid("SEARCH", "ALL"))


def flags(box):
    """Of each message, without \\Recent."""
    found = {}
    for one in ok(box.fetch("1:*", "(UID FLAGS)")):
        uid = one and re.search(rb"UID (\d+)", one)    # not what came between, of another session
        if uid:
            found[int(uid[1])] = set(imaplib.ParseFlags(one)) - {b"\\Recent"}
    return list(found.values())


class Case(unittest.TestCase):
    def setUp(self):
        self.box = self.session()
        self.folder = self.id().rsplit("test_", 1)[1]
        self.work = os.path.join(scratch, self.folder)
        os.mkdir(self.work)

    def session(self, way="plain", select=None):
        box = connect(way)
        self.addCleanup(box.shutdown)
        if select:
            ok(box.select(quoted(select)))
        return box

    def make(self, *messages):
        """The mailbox of this case, selected, with these messages in it."""
        ok(self.box.create(self.folder))
        self.add(*messages)
        ok(self.box.select(self.folder))

    def add(self, *messages, folder=None):
        for one in messages:
            ok(self.box.append(folder or self.folder, None, None, one))

    def empty(self):
        """INBOX, selected."""
        if ok(self.box.select("INBOX")) != [b"0"]:
            ok(self.box.store("1:*", "+FLAGS.SILENT", r"(\Deleted)"))
            ok(self.box.expunge())

    def file(self, name, data):
        path = os.path.join(self.work, name)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, 0o600)
        return path

    def subjects(self, box=None):
        answer = ok((box or self.box).fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])"))
        return [one[1].strip()[9:].decode() for one in answer if isinstance(one, tuple)]


class Imaplib(Case):
    def test_login(self):
        for way in "plain", "starttls", "tls":
            with self.subTest(way):
                self.assertEqual(ok(self.session(way).noop())[0][:4], b"NOOP")
        with self.assertRaises(imaplib.IMAP4.error):
            imaplib.IMAP4(*host.imap, timeout=60).login(host.alice.address, "wrong")

    def test_authenticate(self):
        box = imaplib.IMAP4_SSL(*host.imaps, ssl_context=tls(), timeout=60)
        self.addCleanup(box.shutdown)
        ok(box.authenticate("PLAIN", lambda _: ("\0%s\0%s" % (host.alice.address, host.alice.password)).encode()))
        ok(box.select("INBOX", readonly=True))

    def test_every_body(self):
        """FETCH of all kinds is what APPEND brought."""
        self.make()
        for n, (kind, body) in enumerate(BODIES.items(), 1):
            with self.subTest(kind):
                data = letter(kind, body)
                self.add(data)
                ok(self.box.noop())
                head = data[:data.index(b"\r\n\r\n") + 4]
                n = str(n)
                for item, want in (("RFC822", data), ("BODY[]", data), ("BODY.PEEK[]", data), ("RFC822.HEADER", head),
                                   ("RFC822.TEXT", body), ("BODY.PEEK[HEADER]", head), ("BODY.PEEK[TEXT]", body),
                                   ("BODY.PEEK[1]", body), ("BODY.PEEK[]<0.100>", data[:100]), ("BODY.PEEK[]<90.70>", data[90:160]),
                                   ("BODY.PEEK[HEADER.FIELDS (Subject X-None)]", b"Subject: %s\r\n\r\n" % kind.encode()),
                                   ("BODY.PEEK[HEADER.FIELDS.NOT (From To Date Message-Id)]", b"Subject: %s\r\n\r\n" % kind.encode())):
                    got = words_or_literal(self.box, n, item)
                    self.assertEqual(got, want, item)
                self.assertIn("RFC822.SIZE %d" % len(data), words(self.box, n, "RFC822.SIZE")[0])

    def test_parts(self):
        data = PARTS % (b"".join(TEXT), b"".join(FILE))
        self.make(data)
        for item, want in (("1", TEXT[1]), ("1.MIME", TEXT[0]), ("2", FILE[1]), ("2.MIME", FILE[0]), ("", data),
                           ("2", FILE[1][100:300])):
            more = "<100.200>" if want == FILE[1][100:300] else ""
            self.assertEqual(literal(self.box, "1", "BODY.PEEK[%s]%s" % (item, more)), want, item)
        structure = words(self.box, "1", "BODYSTRUCTURE")[0]
        self.assertRegex(structure.upper(), r'\("TEXT" "PLAIN" \("CHARSET" "UTF-8"\) NIL NIL "QUOTED-PRINTABLE" %d 2 ' % len(TEXT[1]))
        self.assertRegex(structure.upper(), r'\("APPLICATION" "OCTET-STREAM" \("NAME" "A.BIN"\) NIL NIL "BASE64" %d ' % len(FILE[1]))
        envelope = words(self.box, "1", "ENVELOPE")[0]
        self.assertIn('(ENVELOPE ("Sun, 22 Nov 2026 10:00:00 +0000" "parts" (("Bob" NIL "bob" "alice.example"))', envelope)

    def test_binary(self):
        """BINARY takes the encodings off (RFC 3516)."""
        self.make(PARTS % (b"".join(TEXT), b"".join(FILE)))
        self.assertEqual(literal(self.box, "1", "BINARY.PEEK[2]"), bytes(range(256)) * 40)
        self.assertEqual(literal(self.box, "1", "BINARY.PEEK[1]").decode(), "Grüße\r\nBob\r\n")
        self.assertIn("BINARY.SIZE[2] 10240", words(self.box, "1", "BINARY.SIZE[2]")[0])

    def test_ten_megabytes(self):
        data = letter("long", b"".join(b"%075d\r\n" % n for n in range(10 << 20 >> 6)))
        self.make()
        box = self.session("tls")
        ok(box.append(self.folder, None, None, data))
        ok(box.select(self.folder))
        self.assertEqual(hashlib.sha256(literal(box, "1", "BODY[]")).digest(), hashlib.sha256(data).digest())

    def test_append(self):
        """Flags and the date that APPEND gives stay, in the next session too."""
        ok(self.box.create(self.folder))
        said = ok(self.box.append(self.folder, r"(\Seen \Flagged $Forwarded)", '"05-Mar-2001 04:05:06 +0200"', letter("one")))
        uid = re.match(rb"\[APPENDUID (\d+) (\d+)\]", said[0])
        self.assertTrue(uid, said)
        self.assertEqual(sorted(re.findall(rb"[A-Z]+ \d+", ok(self.box.status(self.folder, "(MESSAGES UNSEEN UIDVALIDITY UIDNEXT)"))[0])),
                         [b"MESSAGES 1", b"UIDNEXT %d" % (int(uid[2]) + 1), b"UIDVALIDITY " + uid[1], b"UNSEEN 0"])
        box = self.session(select=self.folder)
        self.assertEqual(flags(box), [{b"\\Seen", b"\\Flagged", b"$Forwarded"}])
        self.assertEqual(uids(box), [int(uid[2])])
        at = imaplib.Internaldate2tuple(ok(box.fetch("1", "(INTERNALDATE)"))[0])
        self.assertEqual(time.mktime(at), 983757906)
        answer = self.box.append("no-such-mailbox", None, None, letter("lost"))
        self.assertEqual((answer[0], answer[1][0][:11]), ("NO", b"[TRYCREATE]"))

    def listed(self, box, call, pattern):
        """{name: attributes}"""
        found = {}
        for one in ok(call('""', pattern)):
            m = one and re.fullmatch(rb'\(([^)]*)\) "(.)" (?:"((?:[^"\\]|\\.)*)"|(\S+))', one)
            if m:
                name = (re.sub(rb"\\(.)", rb"\1", m[3]) if m[3] is not None else m[4]).decode()
                found[name] = set(m[1].decode().split())
                self.separator = m[2].decode()
        return found

    def test_names(self):
        """Create, rename, subscribe, list, delete: names are as the client wrote them."""
        for name, other in (("Entwürfe 2026", "Grüße & Küsse"), ("日本語", "中文 (台灣)"), ("a&b", "💌 'love'"),
                            ('say "hello"', "back\\slash"), ("Ämter", "under/neath/Ö")):
            with self.subTest(name):
                ok(self.box.create(quoted(name)))
                self.assertIn(utf7(name), self.listed(self.box, self.box.list, "*"))
                ok(self.box.append(quoted(name), None, None, letter("in " + utf7(name))))
                ok(self.box.rename(quoted(name), quoted(other)))
                names = self.listed(self.box, self.box.list, "*")
                self.assertIn(utf7(other), names)
                self.assertNotIn(utf7(name), names)
                ok(self.box.select(quoted(other)))
                self.assertEqual(self.subjects(), ["in " + utf7(name)])
                ok(self.box.close())
                ok(self.box.subscribe(quoted(other)))
                self.assertIn(utf7(other), self.listed(self.box, self.box.lsub, "*"))
                ok(self.box.unsubscribe(quoted(other)))
                self.assertNotIn(utf7(other), self.listed(self.box, self.box.lsub, "*"))
                ok(self.box.delete(quoted(other)))
                self.assertNotIn(utf7(other), self.listed(self.box, self.box.list, "*"))
                self.assertEqual(self.box.select(quoted(other))[0], "NO")
                ok(self.box.noop())

    def test_below(self):
        """A mailbox within others, and what renaming theirs does."""
        for name in "top", "top/middle", "top/middle/leaf":
            ok(self.box.create(name))
        self.assertEqual(set(self.listed(self.box, self.box.list, "top/%")), {"top/middle"})
        self.assertEqual(set(self.listed(self.box, self.box.list, "top*")), {"top", "top/middle", "top/middle/leaf"})
        self.assertEqual(self.separator, "/")
        self.assertIn("\\HasChildren", self.listed(self.box, self.box.list, "top")["top"])
        self.assertIn("\\HasNoChildren", self.listed(self.box, self.box.list, "*")["top/middle/leaf"])
        ok(self.box.rename("top", "summit"))
        self.assertEqual(set(self.listed(self.box, self.box.list, "summit*")), {"summit", "summit/middle", "summit/middle/leaf"})
        self.assertEqual(self.listed(self.box, self.box.list, "top*"), {})
        self.assertEqual(self.box.create("summit")[0], "NO")
        self.assertEqual(self.box.delete("top")[0], "NO")
        self.assertEqual(self.box.delete("INBOX")[0], "NO")
        for name in "summit/middle/leaf", "summit/middle", "summit":
            ok(self.box.delete(name))

    def test_character_sets(self):
        """A store that is confined has the converter of each character set."""
        self.make()
        sets = [(name, word) for word, names in CHARACTER_SETS.items() for name in names]
        for name, word in sets:
            head = "Subject: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=%s\r\n\r\n" % (name, name)
            self.add(head.encode() + word.encode(name) + b"\r\n")
        ok(self.box.noop())
        for word, names in CHARACTER_SETS.items():
            with self.subTest(word):
                self.box.literal = word.encode()
                self.assertEqual(numbers(self.box.search("UTF-8", "BODY")),
                                 [n for n, (name, _) in enumerate(sets, 1) if name in names])
        for n, (name, word) in enumerate(sets, 1):
            with self.subTest(name):
                self.assertEqual(words_or_literal(self.box, str(n), "PREVIEW").strip(), word.encode())

    def test_utf8(self):
        """With UTF8=ACCEPT names are UTF-8 (RFC 6855)."""
        ok(self.box.enable("UTF8=ACCEPT"))
        ok(self.box.create('"Grüße aus Öd"'))
        self.assertTrue([one for one in ok(self.box.list()) if "Grüße aus Öd".encode() in one])
        ok(self.box.select('"Grüße aus Öd"'))
        ok(self.box.close())
        self.assertIn(utf7("Grüße aus Öd"), self.listed(self.box, self.session().list, "*"))
        ok(self.box.delete('"Grüße aus Öd"'))

    def test_examine(self):
        """Read-only changes nothing."""
        self.make(letter("one"))
        box = self.session()
        ok(box.select(self.folder, readonly=True))
        self.assertEqual(literal(box, "1", "BODY[]"), letter("one"))
        self.assertEqual(flags(self.box), [set()])
        self.assertEqual(box._simple_command("STORE", "1", "+FLAGS", r"(\Flagged)")[0], "NO")
        self.assertEqual(literal(self.box, "1", "BODY.PEEK[]"), letter("one"))
        self.assertEqual(flags(self.box), [set()])
        literal(self.box, "1", "BODY[TEXT]")
        self.assertEqual(flags(self.box), [{b"\\Seen"}])

    def test_search(self):
        greeting = "=?utf-8?B?%s?=" % base64.b64encode("Grüße aus 東京".encode()).decode()
        self.make(letter("apples"), letter("pears", "Körbe voll Birnen\r\n".encode()), letter(greeting),
                  PARTS % (b"".join(TEXT), b"".join(FILE)))
        ok(self.box.store("2", "+FLAGS", r"(\Flagged \Seen)"))
        ok(self.box.store("3", "+FLAGS", r"($Later)"))
        for words_, want in (
                ("ALL", [1, 2, 3, 4]), ("SUBJECT apples", [1]), ('SUBJECT "APPL"', [1]), ("FLAGGED", [2]), ("UNSEEN", [1, 3, 4]),
                ("KEYWORD $Later", [3]), ("UNKEYWORD $Later", [1, 2, 4]), ("OR SUBJECT pear SUBJECT appl", [1, 2]),
                ("NOT FROM bob", []), ("TO alice", [1, 2, 3]), ('HEADER Message-ID "<pears@client.example>"', [2]),
                ("2:*", [2, 3, 4]), ("LARGER 10000", [4]), ("SMALLER 10000 SEEN", [2]), ("SENTON 22-Nov-2026", [1, 2, 3, 4]),
                ("SENTBEFORE 22-Nov-2026", []), ("SINCE 1-Jan-2026", [1, 2, 3, 4]), ("BODY nowhere", []), ('BODY "this is bob"', [1, 3]),
                ("TEXT bob@alice.example", [1, 2, 3, 4]), ("(UNSEEN TO alice) NOT SUBJECT apples", [3])):
            self.assertEqual(numbers(self.box.search(None, words_)), want, words_)
        for key, text, want in (("SUBJECT", "grüße", [3]), ("SUBJECT", "東京", [3]), ("BODY", "körbe", [2]), ("TEXT", "Grüße", [3, 4]),
                                ("BODY", "Grüße", [4]), ("SUBJECT", "Ünï", [])):
            # A literal is what RFC 3501 has; a quoted string is what clients write too.
            self.box.literal = text.encode()
            self.assertEqual(numbers(self.box.search("UTF-8", key)), want, text)
            self.assertEqual(numbers(self.box.search("UTF-8", key, b'"%s"' % text.encode())), want, text)
        self.assertEqual(numbers(self.box.search(None, "UID", "%d:*" % uids(self.box)[2])), [3, 4])
        self.assertEqual(self.box.search("KOI-7", "ALL")[0], "NO")
        self.assertEqual(numbers(self.box.search(None, "ALL")), [1, 2, 3, 4])

    def test_store(self):
        self.make(letter("one"), letter("two"))
        one = lambda: flags(self.box)[0]
        for how, what, want in (("+FLAGS", r"(\Answered \Draft)", {b"\\Answered", b"\\Draft"}), ("-FLAGS", r"(\Draft)", {b"\\Answered"}),
                                ("+FLAGS", "(Wichtig $Junk)", {b"\\Answered", b"Wichtig", b"$Junk"}), ("FLAGS", r"(\Seen)", {b"\\Seen"}),
                                ("FLAGS", "()", set())):
            answer = ok(self.box.store("1", how, what))
            self.assertEqual(set(imaplib.ParseFlags(answer[0])) - {b"\\Recent"}, want)
            self.assertEqual(one(), want)
        self.assertEqual(ok(self.box.store("1:2", "+FLAGS.SILENT", r"(\Seen)")), [None])
        self.assertEqual(flags(self.session(select=self.folder)), [{b"\\Seen"}] * 2)

    def test_copy_move_expunge(self):
        bodies = [letter("m%d" % n) for n in range(1, 7)]
        self.make(*bodies)
        uid = uids(self.box)
        ok(self.box.create("copies"))
        ok(self.box.store("1", "+FLAGS", r"(\Flagged Mine)"))
        self.assertEqual(self.box.copy("1:*", "no-such-mailbox")[0], "NO")
        code = ok(self.box.copy("1:2", "copies"))
        self.assertRegex(code[0], rb"^\[COPYUID \d+ %d:%d \d+:\d+\]" % (uid[0], uid[1]))
        ok(self.box.uid("MOVE", "%d,%d" % (uid[2], uid[4]), "copies"))
        self.assertRegex(self.box.response("COPYUID")[1][-1], rb"^\d+ %d,%d \d+:\d+$" % (uid[2], uid[4]))
        self.assertEqual(self.subjects(), ["m1", "m2", "m4", "m6"])
        other = self.session(select="copies")
        self.assertEqual(self.subjects(other), ["m1", "m2", "m3", "m5"])
        self.assertEqual(flags(other)[0], {b"\\Flagged", b"Mine"})
        for n, want in (("1", 0), ("2", 1), ("3", 2), ("4", 4)):
            self.assertEqual(literal(other, n, "BODY.PEEK[]"), bodies[want])
        ok(self.box.store("1,2,4", "+FLAGS", r"(\Deleted)"))
        ok(self.box.uid("EXPUNGE", "%d:%d" % (uid[1], uid[3])))     # 4 is not \Deleted, 1 and 6 not named
        self.assertEqual(self.subjects(), ["m1", "m4", "m6"])
        self.assertEqual(self.box.response("EXPUNGE")[1], [b"5", b"3", b"2"])  # of MOVE and EXPUNGE
        self.assertEqual(ok(self.box.expunge()), [b"3", b"1"])
        self.assertEqual(self.subjects(), ["m4"])
        ok(self.box.store("1", "+FLAGS", r"(\Deleted)"))
        ok(self.box.unselect())                         # keeps what is \Deleted
        self.assertEqual(ok(self.box.select(self.folder)), [b"1"])
        ok(self.box.close())                            # does not
        self.assertEqual(ok(self.box.select(self.folder)), [b"0"])
        ok(other.close())
        ok(self.box.delete("copies"))

    def test_two_sessions(self):
        """Each hears of what the other did, at its next command."""
        self.make(letter("one"), letter("two"))
        other = self.session(select=self.folder)
        ok(self.box.store("2", "+FLAGS", r"(\Flagged)"))
        ok(other.noop())
        self.assertRegex(other.response("FETCH")[1][0], rb"^2 \(.*FLAGS \(.*\\Flagged.*\)")
        ok(other.append(self.folder, None, None, letter("three")))
        ok(self.box.noop())
        self.assertEqual(self.box.response("EXISTS")[1][-1], b"3")
        ok(self.box.store("1", "+FLAGS", r"(\Deleted)"))
        ok(self.box.expunge())
        ok(other.noop())
        self.assertEqual(other.response("EXPUNGE")[1], [b"1"])
        self.assertEqual(self.subjects(other), ["two", "three"])
        self.assertEqual(flags(other), flags(self.box))
        ok(other.store("1", "-FLAGS", r"(\Flagged)"))
        self.assertEqual(flags(self.box), [set(), set()])

    def until(self, box, wanted):
        """Lines of an idling session until one is like this; all that came."""
        lines = []
        while not lines or not re.search(wanted, lines[-1]):
            lines.append(box.readline())
            if not lines[-1]:
                raise AssertionError("closed: %s" % lines)
        return lines

    def test_idle(self):
        """By hand: imaplib of Python 3.11 has no IDLE."""
        self.make(letter("one"))
        for n, way in enumerate(("plain", "starttls", "tls"), 1):
            with self.subTest(way):
                idler = self.session(way, self.folder)
                idler.send(b"i1 IDLE\r\n")
                self.until(idler, rb"^\+ ")
                self.add(letter("new"))
                self.until(idler, rb"^\* %d EXISTS\r\n$" % (n + 1))
                ok(self.box.store("1", "+FLAGS", "(idle%d)" % n))
                self.until(idler, rb"^\* 1 FETCH \(.*idle%d" % n)
                idler.send(b"DONE\r\n")
                self.until(idler, rb"^i1 OK")
                idler.send(b"i2 IDLE\r\n")
                self.until(idler, rb"^\+ ")
                idler.send(b"DONE\r\ni3 NOOP\r\n")
                self.until(idler, rb"^i3 OK")
        idler.send(b"i4 IDLE\r\n")
        self.until(idler, rb"^\+ ")
        ok(self.box.store("2", "+FLAGS", r"(\Deleted)"))
        ok(self.box.expunge())
        self.until(idler, rb"^\* 2 EXPUNGE\r\n$")

    def test_a_message_arrives(self):
        """What SMTP delivers, an idling client hears of at once."""
        self.empty()
        self.box.send(b"i1 IDLE\r\n")
        self.until(self.box, rb"^\+ ")
        self.assertEqual(host.send("from outside")[0], 250)
        self.until(self.box, rb"^\* 1 EXISTS\r\n$")
        self.box.send(b"DONE\r\n")
        self.until(self.box, rb"^i1 OK")
        self.assertEqual(self.subjects(), ["from outside"])
        self.assertTrue(literal(self.box, "1", "BODY[]").endswith(b"\r\nSubject: from outside\r\n\r\none line\r\n"))
        self.empty()


def words_or_literal(box, what, item):
    """What FETCH answers for one item: an empty one may be a quoted string."""
    answer = ok(box.fetch(what, "(%s)" % item))
    found = [one[1] for one in answer if isinstance(one, tuple)]
    if not found and re.search(rb' ""\)', answer[0]):
        return b""
    if len(found) != 1:
        raise AssertionError(answer)
    return found[0]


class Between(Case):
    """Two clients of one mailbox."""

    def test_seen_at_once(self):
        """Read in one client: the other, idling, is told."""
        self.empty()
        self.add(letter("one"), folder="INBOX")
        ok(self.box.noop())
        other = self.session("tls", "INBOX")
        other.send(b"i1 IDLE\r\n")
        Imaplib.until(self, other, rb"^\+ ")
        self.assertEqual(literal(self.box, "1", "BODY[]"), letter("one"))
        Imaplib.until(self, other, rb"^\* 1 FETCH \(.*\\Seen")
        self.assertEqual(numbers(self.session(select="INBOX").search(None, "UNSEEN")), [])
        self.empty()

    def pop3(self):
        box = poplib.POP3(*host.pop3, timeout=60)
        box.user(host.alice.address)
        box.pass_(host.alice.password)
        return box

    def pop3_has(self):
        box = self.pop3()
        found = [b"\r\n".join(box.retr(n)[1]) + b"\r\n" for n in range(1, box.stat()[0] + 1)]
        box.quit()
        return found

    def test_pop3_is_one_mailbox(self):
        """POP3 has neither folders nor flags: it shows what is in INBOX, whatever the flags."""
        self.empty()
        mails = [letter("p%d" % n) for n in range(1, 5)]
        self.add(*mails, folder="INBOX")
        ok(self.box.noop())
        ok(self.box.store("1", "+FLAGS", r"(\Seen \Flagged)"))
        ok(self.box.create(self.folder))
        self.assertEqual(self.pop3_has(), mails)
        uid = uids(self.box)
        self.assertEqual(flags(self.box), [{b"\\Seen", b"\\Flagged"}, set(), set(), set()])
        ok(self.box.uid("MOVE", str(uid[1]), self.folder))
        self.assertEqual(self.pop3_has(), [mails[0], mails[2], mails[3]])
        ok(self.box.uid("STORE", str(uid[2]), "+FLAGS", r"(\Deleted)"))
        self.assertEqual(self.pop3_has(), [mails[0], mails[2], mails[3]])
        ok(self.box.expunge())
        self.assertEqual(self.pop3_has(), [mails[0], mails[3]])
        box = self.pop3()
        box.dele(1)
        box.quit()
        ok(self.box.noop())
        self.assertEqual(self.subjects(), ["p4"])
        self.assertEqual(self.subjects(self.session(select=self.folder)), ["p2"])
        # And back, as a new message.
        other = self.session(select=self.folder)
        ok(other.uid("MOVE", "1:*", "INBOX"))
        self.assertEqual(self.pop3_has(), [mails[3], mails[1]])
        self.empty()


class Curl(Case):
    def curl(self, where, *options, way="imap"):
        address, port = getattr(host, way)
        return run(["curl", "-sS", "--max-time", "60", "--user", "%s:%s" % (host.alice.address, host.alice.password),
                    "%s://%s:%d/%s" % (way, address, port, where), *options])

    def test_curl(self):
        data = PARTS % (b"".join(TEXT), b"".join(FILE))
        self.make(letter("first", BODIES["dots"]))
        names = self.curl("").decode().splitlines()
        self.assertTrue([line for line in names if re.fullmatch(r'\* LIST \(.*\) "/" "?%s"?' % self.folder, line)], names)
        self.curl(self.folder, "-T", self.file("message", data))
        ok(self.box.noop())
        first, second = uids(self.box)
        for way, options in (("imap", []), ("imap", ["--ssl-reqd", "-k"]), ("imaps", ["-k"])):
            with self.subTest(way=way, options=options):
                get = lambda where: self.curl(self.folder + where, *options, way=way)
                self.assertEqual(get(";UID=%d" % first), letter("first", BODIES["dots"]))
                self.assertEqual(get(";MAILINDEX=2"), data)
                self.assertEqual(get(";UID=%d;SECTION=2" % second), FILE[1])
                self.assertEqual(get(";UID=%d;SECTION=TEXT" % second), data.split(b"\r\n\r\n", 1)[1])
                self.assertEqual(get("?SUBJECT%20parts"), b"* SEARCH 2\r\n")
                self.assertEqual(get("?ALL").split(), [b"*", b"SEARCH", b"1", b"2"])
        said = self.curl(self.folder, "-X", r"STORE 2 +FLAGS \Deleted")
        self.assertRegex(said, rb"\* 2 FETCH \(.*\\Deleted")
        self.assertEqual(self.curl(self.folder, "-X", "EXPUNGE"), b"* 2 EXPUNGE\r\n")
        self.curl("", "-X", "CREATE by-curl")
        self.assertIn(b"by-curl", self.curl("", "-X", 'LIST "" by-%'))
        self.curl("", "-X", "DELETE by-curl")

    def test_cacert(self):
        """The certificate is checked, name and all."""
        self.make(letter("first"))
        where = "imaps://%s:%d/%s;UID=%d" % (host.name, host.imaps[1], self.folder, uids(self.box)[0])
        words_ = ["curl", "-sS", "--resolve", "%s:%d:%s" % (host.name, host.imaps[1], host.imaps[0]),
                  "--user", "%s:%s" % (host.alice.address, host.alice.password), where]
        self.assertEqual(run([*words_, "--cacert", host.certificate]), letter("first"))
        run(words_, want=60)


class Mutt(Case):
    RC = """
set folder="imap://%(where)s/" spoolfile="imap://%(where)s/%(folder)s"
set imap_user="%(user)s" imap_pass="%(password)s" ssl_force_tls=no ssl_starttls=no
set record="" confirmappend=no confirmcreate=no delete=yes move=no quit=yes wait_key=no mark_old=no sort=mailbox-order
set header_cache="" sleep_time=0 timeout=5 mail_check=1 auto_tag=no
push "<tag-pattern>~A<enter><tag-prefix><copy-message>^U%(out)s<enter><untag-pattern>~A<enter>\
<search>~s\\ second<enter><flag-message><first-entry><search>~s\\ third<enter><delete-message><sync-mailbox><quit>"
"""

    def mutt(self, program):
        mails = [letter("%s message" % n, b"Here on\r\n.\r\nGr\xc3\xbc\xc3\x9fe\r\n") for n in ("first", "second", "third", "fourth")]
        self.make(*mails)
        out = os.path.join(self.work, "copy.mbox")
        rc = self.file("rc", self.RC % {"where": "%s:%d" % host.imap, "folder": self.folder, "out": out,
                                        "user": host.alice.address, "password": host.alice.password})
        said = self.in_terminal([program, "-n", "-F", rc])
        self.assertEqual(self.subjects(self.session(select=self.folder)), ["first message", "second message", "fourth message"], said)
        with contextlib.closing(mailbox.mbox(out)) as copy:
            copies = [re.sub(rb"(?m)^>(>*From )", rb"\1", copy.get_bytes(key)) for key in copy.keys()]
        keep = lambda data: b"\n".join(line for line in lf(data).split(b"\n")
                                       if not re.match(rb"(Status|X-Status|Content-Length|Lines):", line)).rstrip(b"\n")
        self.assertEqual([keep(one) for one in copies], [keep(one) for one in mails], said)
        ok(self.box.noop())
        self.assertEqual([b"\\Flagged" in of for of in flags(self.box)], [False, True, False], said)

    def in_terminal(self, command):
        """Run it in a terminal of 24 lines; what it painted."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.work)
            os.execvpe(command[0], command, dict(os.environ, TERM="vt100", HOME=self.work, LC_ALL="C.UTF-8"))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        said, deadline = b"", time.monotonic() + 60
        try:
            while time.monotonic() < deadline and select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                piece = os.read(terminal, 65536)
                if not piece:
                    break
                said += piece
            else:
                os.kill(pid, 9)
                said += b"\n(killed)"
        except OSError:                 # the terminal's other end is closed
            pass
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, said)
        return said

    def test_mutt(self):
        self.mutt("mutt")

    def test_neomutt(self):
        self.mutt("neomutt")


def tree(folder):
    """{path: (size, time of change)} of the messages in a Maildir."""
    return {name: (s.st_size, s.st_mtime_ns) for sub in ("cur", "new") for entry in os.scandir(os.path.join(folder, sub))
            for name, s in [(sub + "/" + entry.name, entry.stat())]}


def maildir(path):
    for sub in "cur", "new", "tmp":
        os.makedirs(os.path.join(path, sub))
    return path


class Sync(Case):
    def put(self, mails):
        """Many at once: a few MULTIAPPEND (RFC 3502) with literals that do not wait (RFC 7888)."""
        box = self.session()
        for start in range(0, len(mails), 500):
            some = mails[start:start + 500]
            box.send(b"m%d APPEND %s" % (start, self.folder.encode()))
            for of, data in some:
                box.send(b" (%s) {%d+}\r\n%s" % (of, len(data), data))
            box.send(b"\r\n")
            line = box.readline()
            self.assertRegex(line, rb"^m%d OK \[APPENDUID \d+ \d+:\d+\]" % start)

    def bodies(self, path):
        """{subject: message} of a Maildir, without what the program added."""
        found = {}
        for name in tree(path):
            data = re.sub(rb"(?m)^(X-TUID|X-OfflineIMAP): .*\n", b"", lf(contents(os.path.join(path, name))))
            found[re.search(rb"(?m)^Subject: (.*)$", data)[1].decode()] = data
        return found

    def far(self):
        """{subject: (uid, flags, message)} on the server."""
        found = {}
        box = self.session(select=self.folder)
        for one in ok(box.fetch("1:*", "(UID FLAGS BODY.PEEK[])")):
            if isinstance(one, tuple):
                data = re.sub(rb"(?m)^X-TUID: .*\n", b"", lf(one[1]))
                uid, of = int(re.search(rb"UID (\d+)", one[0])[1]), set(imaplib.ParseFlags(one[0])) - {b"\\Recent"}
                found[re.search(rb"(?m)^Subject: (.*)$", data)[1].decode()] = (uid, of, data)
        return found

    def test_mbsync(self):
        """Thousands both ways; then nothing; then what changed on either side."""
        ok(self.box.create(self.folder))
        near = maildir(os.path.join(self.work, self.folder))
        mails = {"%s %04d" % (side, n): letter("%s %04d" % (side, n), b"number %d\r\n" % n) for side in ("near", "far") for n in range(MANY)}
        for n in range(MANY):
            name, of = ("cur", ":2,S") if n % 3 == 0 else ("new", "")
            with open(os.path.join(near, name, "%d.%d.client%s" % (1700000000 + n, n, of)), "wb") as f:
                f.write(lf(mails["near %04d" % n]))
        self.put([(b"\\Seen" if n % 2 else b"", mails["far %04d" % n]) for n in range(MANY)])
        rc = self.file("mbsyncrc", """
IMAPAccount posthouse
Host 127.0.0.1
Port %d
User %s
Pass %s
SSLType None
AuthMechs LOGIN
Timeout 120

IMAPStore far
Account posthouse

MaildirStore near
Path %s/
Inbox %s/INBOX
SubFolders Verbatim

Channel both
Far :far:%s
Near :near:%s
Expunge Both
Sync All
SyncState *
""" % (host.imap[1], host.alice.address, host.alice.password, self.work, self.work, self.folder, self.folder))
        sync = lambda: subprocess.run(["mbsync", "-V", "-c", rc, "both"], capture_output=True, text=True, timeout=120)

        first = sync()
        self.assertEqual(first.returncode, 0, first.stdout[-3000:] + first.stderr[-3000:])
        want = {subject: lf(data) for subject, data in mails.items()}
        self.assertEqual(self.bodies(near), want)
        there = self.far()
        self.assertEqual({subject: one[2] for subject, one in there.items()}, want)
        self.assertEqual([subject for subject, one in there.items() if (b"\\Seen" in one[1]) !=
                          (int(subject[-4:]) % 3 == 0 if subject[0] == "n" else int(subject[-4:]) % 2 == 1)], [])

        before = tree(near)
        self.nothing(sync(), before, near, there)

        name = lambda subject: next(n for n in tree(near) if lf(mails[subject]).split(b"\n\n")[0] in contents(os.path.join(near, n)))
        marked, dropped = name("near 0001"), name("far 0002")
        base = marked.split("/")[1]
        os.rename(os.path.join(near, marked), os.path.join(near, "cur", base + ("F" if ":2," in base else ":2,F")))
        os.unlink(os.path.join(near, dropped))
        ok(self.box.select(self.folder))
        ok(self.box.uid("STORE", str(there["far 0004"][0]), "+FLAGS", r"(\Answered)"))
        ok(self.box.uid("STORE", str(there["near 0005"][0]), "+FLAGS", r"(\Deleted)"))
        ok(self.box.expunge())
        third = sync()
        self.assertEqual(third.returncode, 0, third.stdout[-3000:] + third.stderr[-3000:])
        now = self.far()
        self.assertEqual(set(there) - set(now), {"far 0002", "near 0005"})
        self.assertEqual({s for s in now if now[s] != there[s]}, {"near 0001", "far 0004"})
        self.assertEqual(now["near 0001"][1], {b"\\Flagged"})
        del want["far 0002"], want["near 0005"]
        self.assertEqual(self.bodies(near), want)
        self.assertRegex(name("far 0004"), r":2,R$")
        self.nothing(sync(), tree(near), near, now)

    def nothing(self, done, before, near, there):
        """A run that found nothing to do."""
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        counts = re.findall(r"[+*#]\d+/\d+", done.stdout + done.stderr)
        self.assertEqual([one for one in counts if one[1:] != "0/0"], [], done.stdout[-2000:])
        self.assertEqual(tree(near), before)
        self.assertEqual(self.far(), there)

    def test_mbsync_tls(self):
        """What was synchronized came by TLS: with no word of whom to trust, nothing is."""
        ok(self.box.create(self.folder))
        self.add(letter("one"), letter("two"))
        for way, port in (("STARTTLS", host.imap[1]), ("IMAPS", host.imaps[1])):
            for trust in "", "CertificateFile %s" % host.certificate:
                with self.subTest(way=way, trust=trust):
                    near = maildir(os.path.join(self.work, way + ("-known" if trust else ""), self.folder))
                    rc = self.file("mbsyncrc", "IMAPStore far\nHost 127.0.0.1\nPort %d\nUser %s\nPass %s\nSSLType %s\nAuthMechs LOGIN\n%s\n\n"
                                   "MaildirStore near\nPath %s/\nInbox %s/INBOX\nSubFolders Verbatim\n\n"
                                   "Channel both\nFar :far:%s\nNear :near:%s\nSync Pull\nSyncState *\n" % (
                                       port, host.alice.address, host.alice.password, way, trust,
                                       os.path.dirname(near), os.path.dirname(near), self.folder, self.folder))
                    done = subprocess.run(["mbsync", "-c", rc, "both"], capture_output=True, text=True, timeout=60)
                    self.assertEqual(done.returncode, 0 if trust else 1, done.stdout + done.stderr)
                    self.assertEqual(len(tree(near)), 2 if trust else 0)
                    if not trust:
                        self.assertIn("certificate", done.stderr)

    def test_offlineimap(self):
        ok(self.box.create(self.folder))
        mails = {"far %03d" % n: letter("far %03d" % n, b"number %d\r\n" % n) for n in range(200)}
        self.put([(b"\\Flagged" if n % 10 == 0 else b"", mails["far %03d" % n]) for n in range(200)])
        fingerprint = hashlib.sha1(ssl.PEM_cert_to_DER_cert(contents(host.certificate).decode())).hexdigest()
        rc = self.file("rc", """
[general]
accounts = a
metadata = %s/meta
ui = basic
[Account a]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = %s/mail
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = %d
remoteuser = %s
remotepass = %s
auth_mechanisms = PLAIN
ssl = yes
cert_fingerprint = %s
folderfilter = lambda name: name == %r
createfolders = False
""" % (self.work, self.work, host.imaps[1], host.alice.address, host.alice.password, fingerprint, self.folder))
        sync = lambda: run(["offlineimap", "-c", rc, "-o"], env=dict(os.environ, HOME=self.work))
        near = os.path.join(self.work, "mail", self.folder)
        sync()
        self.assertEqual(self.bodies(near), {subject: lf(data) for subject, data in mails.items()})
        self.assertEqual(len([name for name in tree(near) if name.endswith("F")]), 20)
        there, before = self.far(), tree(near)
        sync()
        self.assertEqual(tree(near), before)
        self.assertEqual(self.far(), there)
        # A message and a flag from here.
        path = os.path.join(near, "new", "1700000001_0.1.client")
        with open(path, "wb") as f:
            f.write(lf(letter("near 000")))
        ok(self.box.select(self.folder))
        ok(self.box.store("1", "+FLAGS", r"(\Answered)"))
        sync()
        now = self.far()
        self.assertEqual(set(now) - set(there), {"near 000"})
        self.assertTrue([name for name in tree(near) if name.endswith("FR")])


class Fetch(Case):
    def test_fetchmail(self):
        known = 'sslcertck sslcertfile "%s" sslcommonname "mail.alice.example"' % host.certificate
        for way, more, steps in (("imap", 'sslproto "" no sslcertck', [b"LOGIN "]),
                                 ("imap", 'sslproto "auto" ' + known, [b"STARTTLS", b"using protocol TLS", b"LOGIN "]),
                                 ("imaps", "ssl " + known, [b"using protocol TLS", b"LOGIN "])):
            with self.subTest(way=way, more=more):
                name = "fetchmail-%s-%d" % (way, len(steps))
                data = letter(name, BODIES["dots"])
                ok(self.box.create(name))
                self.add(data, folder=name)
                out = os.path.join(self.work, name)
                address, port = getattr(host, way)
                rc = self.file("fetchmailrc", (
                    'poll "%s" protocol imap port %d timeout 60 user "%s" password "%s" folder "%s" %s'
                    ' no rewrite fetchall mda "cat >%s"\n' % (
                        address, port, host.alice.address, host.alice.password, name, more, out)))
                said = run(["fetchmail", "-v", "--invisible", "-f", rc, "--idfile", rc + ".ids", "--pidfile", rc + ".pid"],
                           env=dict(os.environ, HOME=self.work, FETCHMAILHOME=self.work))
                self.assertEqual(re.findall(rb"STARTTLS$|using protocol TLS|LOGIN (?=\")", said, re.M), steps, said)
                got = contents(out)
                self.assertTrue(lf(got).endswith(lf(data)), got)
                self.assertEqual(ok(self.box.select(name)), [b"0"])
                ok(self.box.close())

    def test_getmail(self):
        os.chmod(self.work, 0o711)
        for way, kind in (("imap", "SimpleIMAPRetriever"), ("imaps", "SimpleIMAPSSLRetriever")):
            with self.subTest(way):
                name = "getmail-" + way
                data = letter(name, BODIES["eight-bit"])
                ok(self.box.create(name))
                self.add(data, folder=name)
                folder = os.path.join(self.work, name)
                maildir(os.path.join(folder, "mail"))
                writer = ""
                if os.geteuid() == 0:   # getmail does not write as root
                    writer = "user = nobody\n"
                    for sub in ("", "mail", "mail/cur", "mail/new", "mail/tmp"):
                        shutil.chown(os.path.join(folder, sub), "nobody")
                address, port = getattr(host, way)
                with open(os.path.join(folder, "getmailrc"), "w") as rc:
                    rc.write("[retriever]\ntype = %s\nserver = %s\nport = %d\nusername = %s\npassword = %s\ntimeout = 20\nmailboxes = ('%s',)\n"
                             "[destination]\ntype = Maildir\npath = %s/mail/\n%s"
                             "[options]\ndelete = true\nreceived = false\ndelivered_to = false\n" % (
                                 kind, address, port, host.alice.address, host.alice.password, name, folder, writer))
                os.chmod(folder, 0o700)
                new = run_getmail(folder)
                self.assertEqual(len(new), 1)
                got = contents(new[0])
                got = re.sub(rb"(?m)^X-getmail-retrieved-from-mailbox: .*\n", b"", got)
                self.assertTrue(got.endswith(lf(data)), got)
                self.assertEqual(ok(self.box.select(name)), [b"0"])
                ok(self.box.close())


class Libraries(Case):
    """Each program checks what it does itself, and says what it did."""

    def test_javax_mail(self):
        done = subprocess.run(["java", "-XX:TieredStopAtLevel=1", "-cp", ":".join(JARS), os.path.join(HERE, "JavaImap.java"), host.imap[0], str(host.imap[1]),
                               host.alice.address, host.alice.password, self.folder], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        self.assertEqual(done.stdout.split(), ["folders", "append", "flags", "search", "copy", "idle", "expunge", "delete"])

    def test_imapflow(self):
        done = subprocess.run(["node", os.path.join(HERE, "imapflow.mjs"), modules("imapflow", "1.7.6"), str(host.imap[1]), str(host.imaps[1]),
                               host.alice.address, host.alice.password, self.folder], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        self.assertEqual(done.stdout.split(), ["connect", "folders", "append", "fetch", "search", "flags", "idle", "move", "condstore",
                                               "qresync", "compress", "delete"])


if __name__ == "__main__":
    unittest.main()
