"""posthouse nameserver: real dig and nslookup against it; what it refuses to serve."""
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from server import POSTHOUSE, wait_for

ALICE = """\
$TTL 1h
@       IN SOA  ns root ( 2026112200 ; serial
                1h 15m 30d 5m )
        IN NS   ns
        IN MX   10 mx
        IN MX   20 mx.bob.example.
        IN TXT  "v=spf1 mx -all"
ns      IN A    192.0.2.53
mx      IN A    192.0.2.25
        IN AAAA 2001:db8::25
www     IN CNAME mx
*.any   IN A    192.0.2.99
""" + "".join('big IN TXT "%s %d"\n' % ("x" * 90, i) for i in range(30))
REVERSE = """\
$ORIGIN 2.0.192.in-addr.arpa.
@ SOA ns.alice.example. root.alice.example. 1 2 3 4 5
25 PTR mx.alice.example.
"""
# A question for alice.example MX, as it goes over the wire.
QUESTION = b"\xbe\xef\x01\0\0\1\0\0\0\0\0\0\5alice\7example\0\0\x0f\0\1"


class Nameserver(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="posthouse-nameserver-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.write("alice.zone", ALICE)
        self.write("reverse.zone", REVERSE)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w") as file:
            file.write(text)

    def start(self, *words):
        """Serve both zones; returns the port. What it says goes into a file."""
        self.said = os.path.join(self.folder, "said")
        with open(self.said, "w") as out:
            self.process = subprocess.Popen(
                [POSTHOUSE, "nameserver", "--zone", "alice.example=alice.zone",
                 "--zone=reverse.zone", "--listen", "127.0.0.1:0", *words],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.addCleanup(self.end)
        found = wait_for(lambda: re.match(r"serving 2 zones on 127\.0\.0\.1:(\d+)\n", self.lines()),
                         what="the first line")
        return int(found.group(1))

    def lines(self):
        with open(self.said) as file:
            return file.read()

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def stop(self, signo=signal.SIGINT):
        self.process.send_signal(signo)
        status = self.process.wait(60)
        self.assertNotIn("Sanitizer", self.lines())
        return status

    def run_client(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def dig(self, port, *words):
        return self.run_client("dig", "@127.0.0.1", "-p", str(port), "+tries=1", "+time=20",
                               "+norecurse", *words)

    def short(self, port, *words):
        return self.dig(port, "+short", *words).splitlines()

    def refused(self, *words, status=1):
        done = subprocess.run([POSTHOUSE, "nameserver", *words], capture_output=True, text=True,
                              cwd=self.folder, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr


class Dig(Nameserver):
    def test_questions(self):
        port = self.start()
        mx = ["10 mx.alice.example.", "20 mx.bob.example."]
        self.assertEqual(self.short(port, "alice.example", "MX"), mx)
        self.assertEqual(self.short(port, "+tcp", "alice.example", "MX"), mx)
        self.assertEqual(self.short(port, "+noedns", "alice.example", "MX"), mx)
        self.assertEqual(self.short(port, "-x", "192.0.2.25"), ["mx.alice.example."])
        self.assertEqual(self.short(port, "www.alice.example", "AAAA"),
                         ["mx.alice.example.", "2001:db8::25"])
        self.assertEqual(self.short(port, "a.b.any.alice.example"), ["192.0.2.99"])
        # dig asks for ANY over TCP.
        self.assertEqual(sorted(self.short(port, "alice.example", "ANY")), sorted(
            mx + ["ns.alice.example.", '"v=spf1 mx -all"',
                  "ns.alice.example. root.alice.example. 2026112200 3600 900 2592000 300"]))
        whole = self.dig(port, "alice.example", "MX")
        self.assertIn("status: NOERROR", whole)
        self.assertRegex(whole, r"flags: qr aa; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 3")
        self.assertIn("EDNS: version: 0, flags:; udp: 1232", whole)
        self.assertRegex(whole, r"mx\.alice\.example\.\s+3600\s+IN\s+A\s+192\.0\.2\.25")
        self.assertNotIn("WARNING", self.dig(port, "+cookie", "+dnssec", "alice.example", "MX"))
        self.assertEqual(self.stop(), 0)

    def test_negative(self):
        port = self.start()
        for name, kind, status, authority in (("nobody.alice.example", "A", "NXDOMAIN", 1),
                                              ("alice.example", "SRV", "NOERROR", 1),
                                              ("any.alice.example", "A", "NOERROR", 1),
                                              ("bob.example", "MX", "REFUSED", 0)):
            whole = self.dig(port, name, kind)
            self.assertIn("status: %s" % status, whole)
            self.assertIn("ANSWER: 0, AUTHORITY: %d" % authority, whole)
            if authority:
                self.assertRegex(whole, r"alice\.example\.\s+300\s+IN\s+SOA")
        self.assertIn("status: NOTIMP", self.dig(port, "+opcode=2", "alice.example"))
        self.assertIn("status: REFUSED", self.dig(port, "-c", "CH", "-t", "TXT", "version.bind"))
        self.assertIn("status: BADVERS", self.dig(port, "+edns=1", "+noednsnegotiation",
                                                  "alice.example"))
        self.assertIn("Transfer failed", self.run_client("dig", "@127.0.0.1", "-p", str(port),
                                                         "alice.example", "AXFR"))
        self.assertEqual(self.stop(signal.SIGTERM), 0)

    def test_truncation(self):
        port = self.start()
        whole = self.dig(port, "+ignore", "big.alice.example", "TXT")
        self.assertRegex(whole, r"flags: qr aa tc; QUERY: 1, ANSWER: 0")
        self.assertEqual(len(self.short(port, "big.alice.example", "TXT")), 30)
        self.assertIn("(TCP)", self.dig(port, "big.alice.example", "TXT"))
        self.assertEqual(self.stop(), 0)

    def test_nslookup(self):
        port = self.start()
        out = self.run_client("nslookup", "-port=%d" % port, "-type=MX", "alice.example", "127.0.0.1")
        self.assertIn("mail exchanger = 10 mx.alice.example.", out)
        self.assertEqual(self.stop(), 0)

    def test_nobody_reads(self):
        """What it says fills the pipe and all that waits: it answers all the same."""
        process = subprocess.Popen(
            [POSTHOUSE, "nameserver", "--zone", "alice.example=alice.zone", "--listen",
             "127.0.0.1:0", "--verbose"], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 60)
        self.addCleanup(process.terminate)
        port = int(process.stdout.readline().rsplit(b":", 1)[1])
        name = b"".join(b"\x3f" + b"x" * 63 for _ in range(3)) + b"\7example\0"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(60)
            s.connect(("127.0.0.1", port))
            for i in range(7000):
                head = struct.pack(">6H", i, 0x100, 1, 0, 0, 0)
                s.send(head + name + b"\0\x0f\0\1")
                self.assertEqual(s.recv(600)[:2], head[:2])
        said = b""
        while b"lines were left out: nobody read them)" not in said:
            piece = os.read(process.stdout.fileno(), 65536)
            self.assertTrue(piece)
            said = said[-100:] + piece

    def test_verbose(self):
        port = self.start("--verbose")
        self.short(port, "alice.example", "MX")
        self.short(port, "+tcp", "nobody.alice.example", "TXT")
        self.short(port, "+ignore", "big.alice.example", "TXT")
        self.assertEqual(self.stop(), 0)
        lines = [re.sub(r"^127\.0\.0\.1:\d+ ", "", line) for line in self.lines().splitlines()[1:]]
        self.assertEqual(lines, [
            "UDP alice.example. MX NOERROR 10 mx.alice.example.; 20 mx.bob.example.",
            "TCP nobody.alice.example. TXT NXDOMAIN",
            "UDP big.alice.example. TXT NOERROR cut: ask over TCP"])


class Streams(Nameserver):
    def connect(self, port):
        stream = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.addCleanup(stream.close)
        return stream

    def read(self, stream):
        """One message, or None at the end."""
        def exactly(n):
            data = b""
            while len(data) < n:
                piece = stream.recv(n - len(data))
                if not piece:
                    return None
                data += piece
            return data

        head = exactly(2)
        return head and exactly(struct.unpack("!H", head)[0])

    def test_pipelined(self):
        port = self.start()
        stream = self.connect(port)
        message = struct.pack("!H", len(QUESTION)) + QUESTION
        stream.sendall(message * 50 + message[:5])
        answers = [self.read(stream) for _ in range(50)]
        self.assertEqual(len(set(answers)), 1)
        self.assertEqual(answers[0][:4], b"\xbe\xef\x85\0")
        # The rest, byte by byte; then no more questions, and the answer comes all the same.
        for byte in message[5:]:
            stream.sendall(bytes([byte]))
        stream.sendall(b"\0\0\0\1x" + message)
        stream.shutdown(socket.SHUT_WR)
        self.assertEqual([self.read(stream) for _ in range(3)], [answers[0], answers[0], None])
        self.assertEqual(self.stop(), 0)

    def test_reader_that_waits(self):
        """Questions whose answers nobody reads wait, and take no memory."""
        port = self.start()
        stream = self.connect(port)
        big = QUESTION.replace(b"\5alice", b"\3big\5alice").replace(b"\0\x0f\0\1", b"\0\x10\0\1")
        message = struct.pack("!H", len(big)) + big
        stream.setblocking(False)
        sent = 0
        # Until it reads no more; a server that always does gives itself away below.
        while sent < 64 << 20 and select.select([], [stream], [], 2)[1]:
            sent += stream.send((message * 1000)[sent % len(message):])
        self.assertLess(sent, 64 << 20)
        with open("/proc/%d/statm" % self.process.pid) as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")
        self.assertLess(resident, 500 << 20)
        stream.settimeout(30)
        for _ in range(sent // len(message)):
            self.assertGreater(len(self.read(stream)), 2000)
        self.assertEqual(self.stop(), 0)

    def test_many_and_silent(self):
        """A newcomer finds a place: whoever was silent longest goes; all go in the end."""
        port = self.start()
        streams = [self.connect(port) for _ in range(130)]
        self.assertEqual(self.short(port, "+tcp", "mx.alice.example"), ["192.0.2.25"])
        self.assertEqual(streams[0].recv(1), b"")
        streams[-1].settimeout(60)
        self.assertEqual(streams[-1].recv(1), b"")
        self.assertEqual(self.stop(), 0)

    def test_garbage(self):
        port = self.start("--verbose")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(30)
            s.connect(("127.0.0.1", port))
            s.send(b"")
            s.send(b"short")
            s.send(QUESTION[:2] + b"\x80" + QUESTION[3:])       # a response
            s.send(bytes(60000))                                # a header and no question
            self.assertEqual(s.recv(600), b"\0\0\x80\1" + bytes(8))
            s.send(QUESTION)
            self.assertEqual(s.recv(600)[:4], b"\xbe\xef\x85\0")
        self.assertEqual(self.stop(), 0)
        self.assertIn(" UDP - - FORMERR\n", self.lines())


class Refused(Nameserver):
    def test_faults(self):
        self.write("bad.zone", ALICE + "mx2 A 192.0.2.300\n")
        line = ALICE.count("\n") + 1
        self.assertEqual(self.refused("--zone", "alice.example=bad.zone"),
                         "posthouse: bad.zone:%d: a record of this type can't have this value: "
                         '"mx2 A 192.0.2.300"\n' % line)
        self.assertEqual(self.refused("--zone", "alice.zone"), "posthouse: alice.zone:2: this name "
                         "does not end in a dot, and there is no $ORIGIN before it: \"@ IN SOA ns "
                         'root 2026112200 1h 15m 30d 5m"\n')
        self.assertEqual(self.refused("--zone", "none.zone"),
                         "posthouse: cannot read none.zone: No such file or directory\n")
        self.write("empty.zone", "")
        self.assertEqual(self.refused("--zone", "empty.zone"),
                         "posthouse: empty.zone: no record in this file\n")
        self.write("large.zone", ";" * (4 * 1024 * 1024 + 1))
        self.assertEqual(self.refused("--zone", "large.zone"),
                         "posthouse: large.zone: a zone file has at most 4194304 bytes\n")
        self.assertIn("reverse.zone:2: this zone is there already",
                      self.refused("--zone", "reverse.zone", "--zone", "reverse.zone"))

    def test_usage(self):
        self.assertEqual(self.refused(status=2),
                         "posthouse: nameserver: which zones? --zone FILE\n")
        for address in ("x", "unix:/tmp/x", "localhost:53"):
            self.assertIn("--listen wants ADDR:PORT", self.refused(
                "--zone", "reverse.zone", "--listen", address, status=2))
        self.assertIn("it serves this host alone", self.refused(
            "--zone", "reverse.zone", "--listen", "0.0.0.0:5300", status=2))

    def test_busy_port(self):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", 0))
                if kind == socket.SOCK_STREAM:
                    s.listen()
                at = "127.0.0.1:%d" % s.getsockname()[1]
                self.assertEqual(self.refused("--zone", "reverse.zone", "--listen", at),
                                 "posthouse: cannot listen on %s: Address already in use\n" % at)
