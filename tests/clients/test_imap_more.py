"""More that speaks IMAP: the libraries of other languages, and small programs, unchanged: Perl's
Mail::IMAPClient, Ruby's net/imap, PHP's imap_* and Horde, npm's imap, Python's imap_tools, imapfilter,
GNU mailutils, interimap.

One server. For each a mailbox of its own, with an awkward name and three messages, in which it does
what people do: it lists, reads, appends a big message in 8 bits, searches, marks, copies and moves.
Then imaplib says what is there."""
import contextlib
import hashlib
import imaplib
import mailbox
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest

import imap_tools

from server import Demo
from test_imap_clients import BODIES, FILE, HEADER, PARTS, TEXT, modules, quoted, utf7

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "imap_more")
NAME = 'more "%s" Grüße \\ 挨拶 😀'
THREE = (HEADER % (b"first", b"1@more") + BODIES["dots"],
         HEADER % (b"=?utf-8?Q?second_Gr=C3=BC=C3=9Fe?=", b"2@more") + b"Hello.\r\n",
         PARTS.replace(b"Subject: parts", b"Subject: third") % (b"".join(TEXT), b"".join(FILE)))
BIG = (HEADER % (b"fourth", b"4@more")).replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n") + \
    "Grüße aus 東京, in 8 bits.\r\n".encode() * 10000
host = scratch = None


def setUpModule():
    global host, scratch
    host = Demo()
    host.start()
    scratch = tempfile.mkdtemp(prefix="posthouse-test-")
    with open(os.path.join(scratch, "fourth.eml"), "wb") as f:
        f.write(BIG)


def tearDownModule():
    host.__exit__()
    shutil.rmtree(scratch)


def ok(answer):
    if answer[0] != "OK":
        raise AssertionError(answer)
    return answer[1]


class Case(unittest.TestCase):
    def setUp(self):
        self.box = self.session(host.alice)

    def session(self, account):
        box = imaplib.IMAP4(*host.imap, timeout=60)
        self.addCleanup(box.shutdown)
        ok(box.login(account.address, account.password))
        return box

    def make(self, *names):
        for name in names:
            ok(self.box.create(quoted(name)))
        for one in THREE:
            ok(self.box.append(quoted(names[0]), None, None, one))

    def there(self, name, box=None):
        """[(message, flags), ...], in order."""
        box, found = box or self.box, []
        if ok(box.select(quoted(name), readonly=True)) != [b"0"]:
            for one in ok(box.fetch("1:*", "(FLAGS BODY.PEEK[])")):
                if isinstance(one, tuple):
                    found.append((one[1], {flag.decode() for flag in imaplib.ParseFlags(one[0])} - {r"\Recent"}))
        ok(box.unselect())
        return found

    def client(self, *command, name, more=(), **environment):
        """Run it; what it printed, {first word: the others}. The words it gets: ports, certificate, login, mailbox, file."""
        words = [str(host.imap[1]), str(host.imaps[1]), host.certificate, host.alice.address, host.alice.password, name,
                 os.path.join(scratch, "fourth.eml"), *more]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60, cwd=scratch,
                              env=dict(os.environ, HOME=scratch, **environment))
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)

    def work(self, name, *command, modified=False, appends=True, parts="text text multipart", **more):
        """The client's work, and what must be there after it."""
        self.make(name, name + " 2")
        said = self.client(*command, name=utf7(name) if modified else name, **more)
        self.assertEqual(said["sizes"], " ".join(str(len(one)) for one in THREE))
        self.assertEqual(said.get("parts"), parts)
        self.assertEqual(said["found"], "1")
        self.look(name, appends)

    def look(self, name, appends=True):
        now = self.there(name)
        self.assertEqual([one[0] for one in now], [*THREE[:2], *([BIG] if appends else [])])
        self.assertEqual(now[0][1] - {r"\Seen"}, set())
        self.assertEqual(now[1][1] - {r"\Seen"}, {r"\Flagged", "$Work"})
        self.assertEqual([one[1] for one in now[2:]], [{r"\Seen"}] if appends else [])
        self.assertEqual([one[0] for one in self.there(name + " 2")], [THREE[0], THREE[2]])


class Libraries(Case):
    def test_mail_imapclient(self):
        self.work(NAME % "Perl", "perl", os.path.join(HERE, "client.pl"), modified=True)

    def test_net_imap(self):
        self.work(NAME % "Ruby", "ruby", os.path.join(HERE, "client.rb"), modified=True)

    def test_php_imap(self):
        self.work(NAME % "PHP", "php", os.path.join(HERE, "client.php"), modified=True)

    def test_horde(self):
        self.work(NAME % "Horde", "php", os.path.join(HERE, "horde.php"), modified=True)

    def test_node_imap(self):
        self.work(NAME % "node", "node", os.path.join(HERE, "client.mjs"), more=[modules("imap", "0.8.19")])

    def test_imap_tools(self):
        name = NAME % "imap_tools"
        self.make(name, name + " 2")
        tls = ssl.create_default_context(cafile=host.certificate)
        tls.check_hostname = False      # the certificate is right, 127.0.0.1 is no name of it
        with imap_tools.MailBox(*host.imaps, ssl_context=tls).login(host.alice.address, host.alice.password, name) as box:
            found = list(box.fetch(mark_seen=False))
            self.assertEqual([one.size_rfc822 for one in found], [len(one) for one in THREE])
            self.assertEqual([one.subject for one in found], ["first", "second Grüße", "third"])
            self.assertEqual([one.payload for one in found[2].attachments], [bytes(range(256)) * 40])
            box.append(BIG, name, dt=None, flag_set=[r"\Seen"])
            second = box.uids(imap_tools.AND(subject="Grüße"), charset="UTF-8")
            box.flag(second, [r"\Flagged", "$Work"], True)
            box.copy(found[0].uid, name + " 2")
            box.move(found[2].uid, name + " 2")
        self.look(name)


class Together(Case):
    """Three programs have one mailbox open; what a fourth does to it they hear while they wait."""

    def watch(self, *command, name):
        words = [str(host.imap[1]), str(host.imaps[1]), host.certificate, host.alice.address, host.alice.password, name, "", modules("imap", "0.8.19")]
        watcher = subprocess.Popen([*command, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        killer = threading.Timer(60, watcher.kill)
        killer.start()
        self.addCleanup(killer.cancel)
        self.addCleanup(self.end, watcher)
        return watcher

    def end(self, watcher):
        """It ends with its input, as it should."""
        said = watcher.communicate()
        self.assertEqual(watcher.returncode, 0, said)

    def until(self, watcher, last):
        """What it prints until that line."""
        lines = []
        while lines[-1:] != [last]:
            line = watcher.stdout.readline()
            self.assertTrue(line, lines)
            lines.append(line.strip())
        return lines

    def test_idle(self):
        name = NAME % "together"
        self.make(name, name + " 2")
        watchers = [self.watch("ruby", os.path.join(HERE, "watch.rb"), name=utf7(name)),
                    self.watch("node", os.path.join(HERE, "watch.mjs"), name=name)]
        polling = imap_tools.MailBoxUnencrypted(*host.imap).login(host.alice.address, host.alice.password, name)
        self.addCleanup(polling.logout)
        polling.idle.start()
        for watcher in watchers:
            self.until(watcher, "ready")
        ok(self.box.select(quoted(name)))
        ok(self.box.store("1", "+FLAGS", r"(\Flagged)"))
        ok(self.box._simple_command("MOVE", "2", quoted(name + " 2")))
        ok(self.box.store("2", "+FLAGS", r"(\Deleted)"))
        ok(self.box.expunge())
        ok(self.box.append(quoted(name), None, None, BIG))
        for watcher in watchers:
            # Of a message that went at once it may hear no more than that.
            self.assertEqual([line for line in self.until(watcher, "exists 2") if line != "flags 2 Deleted"],
                             ["flags 1 Flagged", "expunge 2", "expunge 2", "exists 2"])
        said = []
        while b"* 2 EXISTS" not in said:
            more = polling.idle.poll(60)
            self.assertTrue(more, said)
            said += more
        self.assertEqual([line for line in said if line.endswith(b" EXPUNGE")], [b"* 2 EXPUNGE"] * 2)
        self.assertEqual([line for line in said if rb"\Flagged" in line][0][:10], b"* 1 FETCH ")
        polling.idle.stop()
        found = list(polling.fetch(mark_seen=False))
        self.assertEqual([one.subject for one in found], ["first", "fourth"])
        self.assertIn(r"\Flagged", found[0].flags)


class Programs(Case):
    def file(self, name, text):
        path = os.path.join(scratch, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def test_imapfilter(self):
        """Its rules have no words of their own: a file says them. Of names it knows the plain ones."""
        name = "more imapfilter Grüße"
        self.make(name, name + " 2")
        words = [host.imap[1], host.imaps[1], host.certificate, host.alice.address, host.alice.password, name]
        rules = self.file("rules.lua", "words = { %s }\ndofile(%s)\n" % (", ".join('"%s"' % one for one in words),
                                                                        '"%s"' % os.path.join(HERE, "client.lua")))
        done = subprocess.run(["imapfilter", "-t", host.certificate, "-c", rules], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, HOME=scratch))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("sizes " + " ".join(str(len(one)) for one in THREE), done.stdout)
        self.look(name, appends=False)

    def test_mailutils(self):
        """Read and mark with `mail`, then all of it away with `movemail`."""
        name = "more mailutils"
        self.make(name)
        where = lambda scheme, port: "%s://%s:%s@127.0.0.1:%d/%s" % (
            scheme, host.alice.address.replace("@", "%40"), host.alice.password, port, name.replace(" ", "%20"))
        done = subprocess.run(["mail", "-N", "-f", where("imaps", host.imaps[1])], input="print 2\ncopy 3 third.mbox\ndelete 3\nquit\n",
                              capture_output=True, text=True, timeout=60, cwd=scratch, env=dict(os.environ, HOME=scratch, LC_ALL="C.UTF-8"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("Hello.", done.stdout)
        self.assertEqual([one[0] for one in self.there(name)], list(THREE[:2]))
        self.assertIn(r"\Seen", self.there(name)[1][1])
        out = os.path.join(scratch, "moved.mbox")
        done = subprocess.run(["movemail", where("imap", host.imap[1]), out], capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, HOME=scratch))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.there(name), [])
        with contextlib.closing(mailbox.mbox(out)) as moved:
            self.assertEqual([one["Message-ID"] for one in moved], ["<1@more@client.example>", "<2@more@client.example>"])

    def test_interimap(self):
        """Two accounts made alike by QRESYNC, COMPRESS and VANISHED, over STARTTLS and TLS."""
        name = NAME % "interimap"
        other = self.session(host.bob)
        self.make(name)
        ok(self.box.subscribe(quoted(name)))
        account = "type = %s\nhost = 127.0.0.1\nport = %d\nusername = %s\npassword = %s\nSSL_verify = NO\nSSL_fingerprint = sha256$%s\n%s\n"
        key = hashlib.sha256(subprocess.run("openssl x509 -in '%s' -noout -pubkey | openssl pkey -pubin -outform DER" % host.certificate,
                                            shell=True, check=True, capture_output=True).stdout).hexdigest()
        rc = self.file("interimap.rc", "database = i.db\nlist-mailbox = %s\n[local]\n%s[remote]\n%s" % (
            quoted(name),
            account % ("imap", host.imap[1], host.alice.address, host.alice.password, key, "STARTTLS = YES"),
            account % ("imaps", host.imaps[1], host.bob.address, host.bob.password, key, "")))

        def sync():
            done = subprocess.run(["interimap", "--config=" + rc], capture_output=True, text=True, timeout=60,
                                  env=dict(os.environ, HOME=scratch, XDG_DATA_HOME=scratch))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return done.stderr

        sync()
        self.assertEqual([one[0] for one in self.there(name, other)], list(THREE))
        # A flag and a message from here, a message away there.
        ok(self.box.select(quoted(name)))
        ok(self.box.store("2", "+FLAGS", r"(\Flagged $Work)"))
        ok(self.box.append(quoted(name), r"(\Seen)", None, BIG))
        ok(other.select(quoted(name)))
        ok(other.store("3", "+FLAGS", r"(\Deleted)"))
        ok(other.expunge())
        sync()
        want = [(THREE[0], set()), (THREE[1], {r"\Flagged", "$Work"}), (BIG, {r"\Seen"})]
        self.assertEqual(self.there(name), want)
        self.assertEqual(self.there(name, other), want)
        sync()
        self.assertNotIn("Added", sync())
        self.assertEqual(self.there(name, other), want)


if __name__ == "__main__":
    unittest.main()
