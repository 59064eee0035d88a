"""posthouse mailbox, import and export, beside Python's mailbox module: what it wrote comes in, what
comes out it reads; again and again, and after a run that was killed."""
import imaplib
import json
import mailbox
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from server import Demo, POSTHOUSE, wait_for

TIMEOUT = 60
BEGAN = 1000000000                      # 2001-09-09T01:46:40Z


def text_of(i, body="From the start,\n>From here\n\n\nbody %d\n"):
    return "From: a%d@b.example\nSubject: m%d\nMessage-ID: <%d@b.example>\n\n%s" % (
        i, i, i, body % i if "%d" in body else body)


def write_mbox(path, texts):
    box = mailbox.mbox(path)
    for i, text in enumerate(texts):
        message = mailbox.mboxMessage(text)
        message.set_from("a%d@b.example" % i, time.gmtime(BEGAN + i))
        message.set_flags("RO" if i % 2 else "O")
        for flag in "FAD" if i % 7 == 0 else "F" if i % 3 == 0 else "":
            message.add_flag(flag)
        box.add(message)
    box.close()


def read_mbox(path):
    """(from, flags, bytes without what tells the flags) of each."""
    box = mailbox.mbox(path, create=False)
    rows = []
    for message in box:
        flags = "".join(sorted(message.get_flags()))
        del message["Status"], message["X-Status"], message["X-Keywords"]
        rows.append((message.get_from(), flags, message.as_bytes()))
    box.close()
    return rows


def read_maildir(path):
    box = mailbox.Maildir(path, create=False)
    rows = [("", m.get_flags(), int(m.get_date()), m.as_bytes()) for m in box]
    for name in box.list_folders():
        rows += [(name, m.get_flags(), int(m.get_date()), m.as_bytes()) for m in box.get_folder(name)]
    return sorted(rows)


def names_below(path):
    return sorted(os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names)


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo("--set", "limit.message_size=3M")
        cls.addClassCleanup(cls.host.__exit__)
        cls.host.__enter__()
        cls.address = cls.host.alice.address

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="posthouse-import-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_it(self, *words, want=0, **more):
        done = subprocess.run([POSTHOUSE, *words, "--data", self.host.data], capture_output=True,
                              text=True, timeout=TIMEOUT, **more)
        self.assertEqual(done.returncode, want, (words, done.stdout, done.stderr))
        self.assertNotIn("runtime error", done.stderr)
        return done

    def summary(self, *words, want=0, **more):
        return json.loads(self.run_it(*words, "--json", want=want, **more).stdout)

    def imap(self):
        box = imaplib.IMAP4(*self.host.imap, timeout=TIMEOUT)
        self.addCleanup(box.shutdown)
        box.login(self.address, self.host.alice.password)
        return box

    def fetch(self, name, items):
        box = self.imap()
        self.assertEqual(box.select('"%s"' % name, readonly=True)[0], "OK")
        return box.fetch("1:*", items)[1]

    def subjects(self, name):
        rows = self.fetch(name, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        return sorted(row[1].split(b":", 1)[1].strip().decode() for row in rows if isinstance(row, tuple))

    # ---- mbox

    def test_mbox_comes_and_goes(self):
        texts = [text_of(i) for i in range(60)] + [text_of(7)]      # twice the same
        write_mbox(self.path("a.mbox"), texts)
        words = ("import", self.address, "--mbox", self.path("a.mbox"), "--mailbox", "One/Zw\u00f6lf")
        first = self.summary(*words)
        self.assertEqual([first[k] for k in ("imported", "present", "failed")], [61, 0, 0])
        again = self.summary(*words)
        self.assertEqual([again[k] for k in ("imported", "present", "failed")], [0, 61, 0])

        rows = self.fetch("One/Zw&APY-lf", "(FLAGS INTERNALDATE BODY.PEEK[])")
        self.assertIn(b"body 3\r\n", rows[6][1])
        self.assertIn(b"\r\n\r\nFrom the start,\r\nFrom here\r\n\r\n\r\nbody", rows[6][1])
        self.assertNotIn(b"Status:", rows[6][1])
        self.assertIn(b" 9-Sep-2001 01:46:43 +0000", rows[6][0])
        self.assertIn(rb"\Flagged \Seen)", rows[6][0])
        self.assertIn(rb"\Answered \Flagged \Deleted)", rows[0][0])

        out = ("export", self.address, "--mbox", self.path("out.mbox"), "--mailbox", "One/Zw\u00f6lf")
        self.assertEqual(self.summary(*out)["exported"], 61)
        # The sender's address is not kept: there is no Return-Path.
        have, want = read_mbox(self.path("out.mbox")), read_mbox(self.path("a.mbox"))
        self.assertEqual([row[1:] for row in have], [row[1:] for row in want])
        self.assertEqual(have[3][0], "MAILER-DAEMON Sun Sep  9 01:46:43 2001")

        first = Path(self.path("out.mbox")).read_bytes()
        again = self.summary(*out)
        self.assertEqual((again["exported"], again["present"]), (0, 61))
        self.assertEqual(Path(self.path("out.mbox")).read_bytes(), first)
        write_mbox(self.path("b.mbox"), [text_of(99)])
        self.summary("import", self.address, "--mbox", self.path("b.mbox"), "--mailbox", "One/Zw\u00f6lf")
        self.assertEqual(self.summary(*out)["exported"], 1)
        last = Path(self.path("out.mbox")).read_bytes()
        self.assertTrue(last.startswith(first) and b"Subject: m99" in last[len(first):])
        # What was exported is what is there.
        self.assertEqual(self.summary("import", self.address, "--mbox", self.path("out.mbox"),
                                      "--mailbox", "One/Zw\u00f6lf")["imported"], 0)

    def test_export_goes_on_after_a_crash(self):
        write_mbox(self.path("a.mbox"), [text_of(i) for i in range(20)])
        self.summary("import", self.address, "--mbox", self.path("a.mbox"), "--mailbox", "Crash")
        out, state = self.path("out.mbox"), self.path("out.mbox.posthouse")
        words = ("export", self.address, "--mbox", out, "--mailbox", "Crash")
        self.summary(*words)
        whole = Path(out).read_bytes()
        word, validity, uid, length = Path(state).read_text().split(":")[1].split()
        self.assertEqual((word, int(uid), int(length)), ("done", int(uid), len(whole)))
        # Killed while the eighth was written.
        at = [m.start() for m in re.finditer(rb"^From .*\d$", whole, re.M)][7]
        Path(out).write_bytes(whole[:at + 30])
        Path(state).write_text("posthouse export: writing %s %d %d\n" % (validity, int(uid) - 13, at))
        self.assertEqual(self.summary(*words)["exported"], 13)
        self.assertEqual(Path(out).read_bytes(), whole)
        # Somebody else's, or changed by somebody else: left alone.
        for change in (b"more\n", None):
            if change:
                Path(out).write_bytes(whole + change)
            else:
                os.unlink(state)
            before = Path(out).read_bytes()
            self.assertIn("export to another file", self.run_it(*words, want=1).stderr)
            self.assertEqual(Path(out).read_bytes(), before)

    def test_no_room(self):
        """What a full disk leaves is whole, and is gone on with."""
        write_mbox(self.path("a.mbox"), [text_of(i) for i in range(700)])
        self.summary("import", self.address, "--mbox", self.path("a.mbox"), "--mailbox", "Room")
        words = ("export", self.address, "--mbox", self.path("out.mbox"), "--mailbox", "Room")
        room = os.path.getsize(self.path("a.mbox")) // 2
        done = self.run_it(*words, want=1, restore_signals=False,
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
        self.assertIn("cannot write %s" % self.path("out.mbox"), done.stderr)
        rows, want = read_mbox(self.path("out.mbox")), read_mbox(self.path("a.mbox"))
        self.assertIn(len(rows), range(1, 699))
        self.assertEqual([row[1:] for row in rows], [row[1:] for row in want[:len(rows)]])
        done = self.summary(*words)
        self.assertEqual((done["present"], done["exported"]), (len(rows), 700 - len(rows)))
        self.assertEqual([row[1:] for row in read_mbox(self.path("out.mbox"))], [row[1:] for row in want])

    def test_keywords(self):
        text = "From a@b Thu Jan  1 00:00:00 2026\nX-Keywords: $Label1 to(do\n later\nSubject: a\n\nb\n"
        done = self.summary("import", self.address, "--mbox", "-", "--mailbox", "Words", input=text)
        self.assertEqual(done["imported"], 1)
        self.assertIn(b"$Label1 later)", self.fetch("Words", "(FLAGS)")[0])
        self.summary("export", self.address, "--mbox", self.path("out.mbox"), "--mailbox", "Words")
        with open(self.path("out.mbox")) as out:
            self.assertIn("\nX-Keywords: $Label1 later\n", out.read())

    def test_dates_of_the_messages(self):
        """Where the From_ lines have none; and octets that are no text are kept."""
        text = ("From a\nReceived: from x by y; Thu, 1 Jan 2004 00:00:00 +0000\n"
                "Received: from w by x; Wed, 31 Dec 2003 00:00:00 +0000\nDate: Fri, 2 Jan 2004 00:00:00 +0000\n\n"
                "b\n\nFrom b\nDate: Sat, 3 Jan 2004 10:00:00 +0100\n\nc\0\x01\x7f d\re\n")
        words = ("import", self.address, "--mbox", "-", "--mailbox", "Dates")
        self.assertEqual(self.summary(*words, input=text)["imported"], 2)
        rows = self.fetch("Dates", "(INTERNALDATE BINARY.PEEK[1])")
        self.assertIn(b'" 1-Jan-2004 00:00:00 +0000"', rows[0][0])
        self.assertIn(b'" 3-Jan-2004 09:00:00 +0000"', rows[2][0])
        self.assertEqual(rows[2][1], b"c\0\x01\x7f d\re\r\n")
        self.assertEqual(self.summary(*words, input=text)["present"], 2)

    def test_all_mailboxes_into_a_folder(self):
        write_mbox(self.path("a.mbox"), [text_of(1)])
        self.summary("import", self.address, "--mbox", self.path("a.mbox"), "--mailbox", "All/100%")
        self.summary("export", self.address, "--mbox", self.path("out"))
        self.assertIn("All%2F100%25.mbox", os.listdir(self.path("out")))
        self.assertIn("INBOX.mbox", os.listdir(self.path("out")))
        self.assertEqual(len(read_mbox(self.path("out/All%2F100%25.mbox"))), 1)

    def test_sizes(self):
        """Longer than what is fetched at once, and than what the server takes."""
        texts = [text_of(0, "a\n"), text_of(1, "x" * 2200000 + "\n"), text_of(2, ("y" * 70 + "\n") * 45000),
                 text_of(3, "b\n")]
        write_mbox(self.path("a.mbox"), texts)
        words = ("import", self.address, "--mbox", self.path("a.mbox"), "--mailbox", "Sizes")
        done = self.run_it(*words, want=1)
        self.assertIn("a.mbox: message 3 (<2@b.example>): not imported", done.stderr)
        self.assertIn("limit.message_size", done.stderr)
        self.assertEqual(self.subjects("Sizes"), ["m0", "m1", "m3"])
        again = self.summary(*words, want=1)
        self.assertEqual([again[k] for k in ("imported", "present", "failed")], [0, 3, 1])
        for kind, read in (("--mbox", read_mbox), ("--maildir", read_maildir)):
            self.summary("export", self.address, kind, self.path(kind), "--mailbox", "Sizes")
            self.assertEqual(sorted(row[-1].decode() for row in read(self.path(kind))),
                             sorted(texts[i] for i in (0, 1, 3)))

    # ---- Maildir

    def test_maildir_comes_and_goes(self):
        source = mailbox.Maildir(self.path("md"))
        places = [source, source.add_folder("Lists"), source.add_folder("Lists.B&APw-cher")]
        for n, place in enumerate(places):
            for i in range(12):
                message = mailbox.MaildirMessage(text_of(100 * n + i))
                message.set_subdir("cur")
                message.set_flags(["", "S", "FRS", "DT", "PS"][i % 5])
                message.set_date(BEGAN + 100 * n + i)
                place.add(message)
        unseen = mailbox.MaildirMessage(text_of(77))
        source.add(unseen)
        Path(self.path("md/dovecot-keywords")).write_text("0 $Label1\n1 later\n")
        key = next(key for key in os.listdir(self.path("md/cur")) if key.endswith(":2,S"))
        os.rename(self.path("md/cur/" + key), self.path("md/cur/" + key + "ab"))
        words = ("import", self.address, "--maildir", self.path("md"), "--mailbox", "Md")
        self.assertEqual(self.summary(*words)["imported"], 37)
        self.assertEqual(self.summary(*words)["imported"], 0)
        self.assertIn(rb"$Label1 later", b"".join(self.fetch("Md", "(FLAGS)")))
        self.assertEqual(len(self.subjects("Md/Lists/B&APw-cher")), 12)

        out = ("export", self.address, "--maildir", self.path("out"), "--mailbox", "Md", "--mailbox",
               "Md/Lists", "--mailbox", "Md/Lists/B\u00fccher")
        self.assertEqual(self.summary(*out)["exported"], 37)
        have = [(name[len("Md."):] if name != "Md" else "", *rest) for name, *rest in read_maildir(self.path("out"))]
        want = read_maildir(self.path("md"))
        strip = [row for row in want if b"Subject: m77\n" not in row[3]]
        self.assertEqual(sorted(row for row in have if b"Subject: m77\n" not in row[3]), sorted(strip))
        self.assertEqual(Path(self.path("out/.Md/dovecot-keywords")).read_text(), "0 $Label1\n1 later\n")

        names = names_below(self.path("out"))
        self.assertEqual(self.summary(*out)["exported"], 0)
        self.assertEqual(names_below(self.path("out")), names)
        # A mail program marks one, another goes, and a crash left something.
        cur = self.path("out/.Md/cur")
        one, other = sorted(os.listdir(cur))[:2]
        os.rename(os.path.join(cur, one), os.path.join(self.path("out/.Md/new"), one.split(":")[0]))
        os.unlink(os.path.join(cur, other))
        uid = re.search(r"V(\d+U\d+)\.", other).group(0)
        Path(self.path("out/.Md/tmp/%sposthouse" % uid)).write_text("half a mess")
        self.assertEqual(self.summary(*out)["exported"], 1)
        self.assertTrue(os.path.exists(os.path.join(cur, other)))
        self.assertEqual(os.listdir(self.path("out/.Md/tmp")), [])

    def test_names_that_no_mailbox_has(self):
        source = mailbox.Maildir(self.path("md"))
        source.add_folder("a").add(text_of(1))
        os.rename(self.path("md/.a"), os.fsencode(self.path("md")) + b"/.a\xff\nb\\2ec")
        done = self.run_it("import", self.address, "--maildir", self.path("md"), "--mailbox", "Odd")
        self.assertIn('becomes "Odd/a__b.c"', done.stderr)
        self.assertEqual(self.subjects("Odd/a__b.c"), ["m1"])

    # ---- a run that ends in the middle

    def stop_in_the_middle(self, signo, name):
        path = self.path("a.mbox")
        write_mbox(path, [text_of(i) for i in range(900)] + [text_of(5)])
        whole = Path(path).read_bytes()
        process = subprocess.Popen([POSTHOUSE, "import", self.address, "--mbox", "-", "--mailbox", name,
                                    "--data", self.host.data], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        box = self.imap()

        def some():
            status, row = box.status('"%s"' % name, "(MESSAGES)")
            return status == "OK" and b"MESSAGES 0" not in row[0]
        process.stdin.write(whole[:len(whole) * 2 // 3])
        process.stdin.flush()
        wait_for(some, what="the first messages")
        process.send_signal(signo)
        said = process.communicate(timeout=TIMEOUT)
        self.assertEqual(process.returncode, 1 if signo == signal.SIGINT else -signo, said)
        if signo == signal.SIGINT:
            self.assertIn(b"run the same again", said[1])
        self.assertLess(len(self.subjects(name)), 901)
        done = self.summary("import", self.address, "--mbox", path, "--mailbox", name)
        self.assertGreater(done["present"], 0)
        self.assertEqual(done["present"] + done["imported"], 901)
        self.assertEqual(self.subjects(name), sorted(["m%d" % i for i in range(900)] + ["m5"]))

    def test_killed(self):
        self.stop_in_the_middle(signal.SIGKILL, "Killed")

    def test_interrupted(self):
        self.stop_in_the_middle(signal.SIGINT, "Interrupted")

    # ---- the rest

    def test_mailbox(self):
        write_mbox(self.path("a.mbox"), [text_of(i) for i in range(3)])
        self.summary("import", self.address, "--mbox", self.path("a.mbox"), "--mailbox", "Gr\u00fc\u00dfe")
        rows = {row["name"]: row for row in self.summary("mailbox", "list", self.address)}
        row = rows["Gr\u00fc\u00dfe"]
        self.assertEqual((row["messages"], row["unseen"], row["deleted"], row["subscribed"]), (3, 2, 1, True))
        self.assertRegex(self.run_it("mailbox", "list", self.address).stdout,
                         "Gr\u00fc\u00dfe +messages 3 +unseen 2 +size %d +subscribed" % row["size"])
        row = self.summary("mailbox", "stat", self.address, "Gr\u00fc\u00dfe")
        self.assertEqual((row["oldest"], row["newest"]), ("2001-09-09T01:46:40Z", "2001-09-09T01:46:42Z"))
        status = self.imap().status('"Gr&APwA3w-e"', "(UIDVALIDITY UIDNEXT HIGHESTMODSEQ SIZE MAILBOXID)")[1][0]
        for item, field in (("UIDVALIDITY", "uidvalidity"), ("UIDNEXT", "uidnext"), ("SIZE", "size"),
                            ("HIGHESTMODSEQ", "highestmodseq")):
            self.assertIn(b"%s %d" % (item.encode(), row[field]), status)
        self.assertIn(row["mailboxid"].encode(), status)

    def test_what_can_not_be(self):
        write_mbox(self.path("a.mbox"), [text_of(1)])
        os.mkdir(self.path("full"))
        Path(self.path("full/x")).write_text("Subject: no mbox\n\n")
        mbox, full = self.path("a.mbox"), self.path("full")
        for words, want, said in (
                (("import", self.address), 2, "--mbox FILE or --maildir FOLDER"),
                (("import", self.address, "--mbox", mbox, "--maildir", full), 2, "--mbox FILE or"),
                (("import", self.address, "--mbox", mbox, "--mailbox", "a//b"), 2, "a level of it is empty"),
                (("import", self.address, "--mbox", self.path("none")), 1, "No such file"),
                (("import", self.address, "--mbox", full), 1, "brought with --maildir"),
                (("import", self.address, "--mbox", full + "/x"), 1, 'but with "Subject: no mbox"'),
                (("import", self.address, "--maildir", full), 1, "neither cur nor new"),
                (("import", self.address, "--maildir", mbox), 1, "brought with --mbox"),
                (("import", "alcie@alice.example", "--mbox", mbox), 1, "did you mean alice@alice.example?"),
                (("export", self.address), 2, "--maildir FOLDER"),
                (("export", self.address, "--maildir", full), 1, "no Maildir, and not empty"),
                (("export", self.address, "--mbox", self.path("o"), "--mailbox", "none"), 1, "no such mailbox"),
                (("mailbox", "stat", self.address, "none"), 1, 'no mailbox "none"'),
                (("mailbox", "list", "x@alice.example"), 1, "no account x@alice.example")):
            with self.subTest(words=words):
                done = self.run_it(*words, want=want)
                self.assertIn(said.lower(), done.stderr.lower())
                self.assertEqual(done.stdout, "")
        self.assertEqual(os.listdir(full), ["x"])

    def test_without_a_server(self):
        data = self.path("data")
        subprocess.run([POSTHOUSE, "domain", "add", "a.example", "--data", data], check=True, timeout=TIMEOUT,
                       stdout=subprocess.DEVNULL)
        done = subprocess.run([POSTHOUSE, "mailbox", "list", "a@a.example", "--data", data], text=True,
                              capture_output=True, timeout=TIMEOUT)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no server runs on", done.stderr)


if __name__ == "__main__":
    unittest.main()
