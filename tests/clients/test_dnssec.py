"""dns.validate: zones that ldns signs and NSD serves on loopback, from a root of their own. What is
signed well is secure; what is forged, expired or stripped of its signatures leads no mail astray and
returns none; what is not signed is as good as ever."""
import os
import re
import signal
import subprocess
import unittest

from lab import Lab, Nameserver, Script, dialogue, inbox, send, take
from server import free_ports, wait_for

ALGORITHM = "ECDSAP256SHA256"
SOA = "@ 60 IN SOA ns.example. root.example. 1 3600 900 2592000 60\n@ 60 IN NS ns.example.\n"
ROOT = "ns.example. 60 IN A 127.0.0.1\nexample. 60 IN NS ns.example.\n"
EXAMPLE = """\
ns 60 IN A 127.0.0.1
real 60 IN A {1}
evil 60 IN A {2}
secure 60 IN MX 10 real.example.
again 60 IN MX 10 real.example.
forged 60 IN MX 10 real.example.
half 60 IN MX 10 mail.half.example.
mail.half 60 IN A {1}
unsigned 60 IN NS ns.example.
expired 60 IN NS ns.example.
stripped 60 IN NS ns.example.
"""
BELOW = {
    "unsigned.example": "@ 60 IN MX 10 mail.unsigned.example.\nmail 60 IN A {1}\n",
    "expired.example": "@ 60 IN MX 10 real.example.\n",
    "stripped.example": "@ 60 IN MX 10 real.example.\n",
}


class Nsd:
    """NSD with signed zones below a root of their own; its key is in self.anchor."""

    def __init__(self, folder, zones):
        self.folder = folder
        ds = ""
        for name in ("expired.example", "stripped.example"):
            keys, one = self.keys(name)
            ds += one
            if name == "expired.example":
                self.sign(name, zones[name], keys, "-i", "20200101", "-e", "20200201")
            else:
                self.write(name + ".signed", SOA + zones[name])         # its signatures are lost
        self.write("unsigned.example.signed", SOA + zones["unsigned.example"])
        keys, one = self.keys("example")
        self.sign("example", zones["example"] + ds, keys)
        self.forge("example", r"(?m)^(forged\.example\.\s.*\sMX\s.*)real\.example\.$", r"\1evil.example.")
        self.forge("example", r"(?m)^(mail\.half\.example\.\s.*\sA\s+)%s$" % re.escape(zones["real"]),
                   r"\g<1>" + zones["evil"])
        keys, anchor = self.keys(".")
        self.sign(".", ROOT + one, keys)
        self.anchor = self.write("root.key", "; of this test\n" + anchor)
        self.port = free_ports(n=1)
        self.address = "127.0.0.1:%d" % self.port
        self.serve([".", "example", *BELOW])

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def run(self, *words):
        return subprocess.run(words, cwd=self.folder, check=True, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT).stdout

    def keys(self, zone):
        """The names of a pair of keys, and the DS record for the first."""
        names = [self.run("ldns-keygen", "-a", ALGORITHM, *kind, zone).split()[-1] for kind in (["-k"], [])]
        with open(self.path(names[0] + ".ds")) as f:
            return names, f.read()

    def sign(self, zone, text, keys, *words):
        self.write(zone + ".zone", SOA + text)
        self.run("ldns-signzone", *words, "-o", zone, "-f", zone + ".signed", zone + ".zone", *keys)

    def forge(self, zone, pattern, by):
        with open(self.path(zone + ".signed")) as f:
            text, n = re.subn(pattern, by, f.read())
        assert n == 1, "%d of %s" % (n, pattern)
        self.write(zone + ".signed", text)

    def serve(self, zones):
        self.write("nsd.conf", """\
server:
    ip-address: 127.0.0.1@{port}
    username: ""
    chroot: ""
    database: ""
    pidfile: ""
    zonesdir: "{folder}"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    xfrdir: "{folder}"
    server-count: 1
    rrl-ratelimit: 0
remote-control:
    control-enable: no
""".format(port=self.port, folder=self.folder) + "".join(
            "zone:\n    name: \"%s\"\n    zonefile: \"%s.signed\"\n" % (zone, zone) for zone in zones))
        with open(self.path("nsd.log"), "w") as out:
            self.process = subprocess.Popen(["/usr/sbin/nsd", "-d", "-c", self.path("nsd.conf")],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_for(self.answers, what="NSD")

    def answers(self):
        with open(self.path("nsd.log")) as f:
            assert self.process.poll() is None, f.read()
        said = subprocess.run(["dig", "@127.0.0.1", "-p", str(self.port), "+time=1", "+tries=1", "+dnssec",
                               ".", "DNSKEY"], text=True, stdout=subprocess.PIPE).stdout
        return "RRSIG" in said

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class SignedLab(Lab):
    def serve_names(self, zone):
        fill = [None] + self.spare
        zones = {name: text.format(*fill) for name, text in BELOW.items()}
        zones["example"] = re.sub(r"(?m)^(\S+) (MX|A) ", r"\1 60 IN \2 ", zone) + EXAMPLE.format(*fill)
        zones["real"], zones["evil"] = self.spare[:2]
        return Nsd(self.folder, zones)

    def end(self):
        """It has children, which end with it when they are asked."""
        if self.nameserver and self.nameserver.process.poll() is None:
            self.nameserver.stop()
        super().end()


class Dnssec(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = SignedLab("bob.example", "alice.example", spare=2, relay__retry="1h", relay__retry_max="1h",
                            dns__validate="yes")
        cls.bob, cls.alice = cls.lab.bob, cls.lab.alice
        for host in (cls.bob, cls.alice):
            host.write(dns__trust_anchor=cls.lab.nameserver.anchor)
        cls.lab.start()

    @classmethod
    def tearDownClass(cls):
        cls.lab.stop()

    def setUp(self):
        self.real, self.evil = [], []
        self.hosts = [Script(self.lab, self.lab.spare[n], dialogue({}, bodies=bodies))
                      for n, bodies in enumerate((self.real, self.evil))]
        for host in self.hosts:
            self.addCleanup(host.close)

    def tearDown(self):
        if self.bob.queue():
            self.bob.run("queue", "drop", "all")

    def restart(self, **keys):
        """Bob's server with other keys, until the end of this test."""
        before = {key: self.bob.keys.get(key.replace("__", ".")) for key in keys}

        def again(keys):
            if self.bob.process.poll() is None:
                self.bob.stop()
            self.bob.write(**keys)
            self.bob.start()
        self.addCleanup(again, before)
        again(keys)

    def waits(self, to, words):
        """It waits with these words; nobody is told that it failed, nobody was dialled."""
        self.assertEqual(send(self.bob, to, "to be kept")[0], 250)
        row = wait_for(lambda: [r for r in self.bob.queue(to) if r["tries"] and r["state"] == "waiting"],
                       what="a failure of " + to)[0]
        self.assertRegex(row["reply"], words)
        self.assertIn(row["reply"], self.bob.run("queue", "show", row["id"]))
        self.assertEqual(inbox(self.bob), [])
        self.assertEqual([host.connections for host in self.hosts], [0, 0])
        return row

    def traced(self):
        return self.bob.run("trace", "--last", "1")

    def test_secure(self):
        self.assertEqual(send(self.bob, "x@secure.example", "secure")[0], 250)
        wait_for(lambda: self.real, what="the message")
        said = self.traced()
        self.assertIn("DNS: MX of secure.example? found, secure: 10 real.example.\n", said)
        self.assertIn("DNS: A of real.example? found, secure: %s\n" % self.lab.spare[0], said)
        self.assertIn("DNS: AAAA of real.example? no such record, secure\n", said)

    def test_no_such_domain(self):
        """A denial that is proved is as good as a record: it fails for good."""
        self.assertEqual(send(self.bob, "x@nowhere.example", "nowhere")[0], 250)
        self.assertIn(b"there is no domain nowhere.example", take(self.bob, "Undelivered mail returned to sender"))
        self.assertIn("DNS: MX of nowhere.example? no such name, secure\n", self.bob.run("trace", "--last", "2"))

    def test_forged_mx(self):
        self.waits("x@forged.example", r"^4\.4\.3 the MX records of forged\.example can't be looked up: "
                   r"validation failure <forged\.example\. MX IN>: .*signature")
        self.assertRegex(self.traced(), r"DNS: MX of forged\.example\? failed: validation failure <")

    def test_forged_address(self):
        self.waits("x@half.example", r"^4\.4\.3 the address of mail\.half\.example can't be looked up: "
                   r"validation failure <mail\.half\.example\. A IN>: ")

    def test_expired(self):
        self.waits("x@expired.example", r"^4\.4\.3 the MX records of expired\.example can't be looked up: "
                   r"validation failure <expired\.example\. MX IN>: signature expired")

    def test_stripped(self):
        """Its parent says that it is signed, so neither records nor denials count without."""
        for to in ("x@stripped.example", "x@nobody.stripped.example"):
            with self.subTest(to=to):
                self.waits(to, r"can't be looked up: validation failure <")

    def test_not_signed(self):
        self.assertEqual(send(self.bob, "x@unsigned.example", "unsigned")[0], 250)
        wait_for(lambda: self.real, what="the message")
        said = self.traced()
        self.assertIn("DNS: MX of unsigned.example? found, insecure: 10 mail.unsigned.example.\n", said)

    def test_without_validation(self):
        self.restart(dns__validate="no")
        self.assertEqual(send(self.bob, "x@forged.example", "astray")[0], 250)
        wait_for(lambda: self.evil, what="the message, where the forger wants it")
        self.assertIn("DNS: MX of forged.example? found: 10 evil.example.\n", self.traced())
        self.assertEqual(self.real, [])

    def test_keys_of_the_real_root(self):
        """Those that are built in: to them this root is an impostor, and all below it."""
        self.restart(dns__trust_anchor=None)
        self.waits("alice@alice.example", r"^4\.4\.3 the MX records of alice\.example can't be looked up: "
                   r"validation failure <alice\.example\. MX IN>: ")

    def test_servers_that_pass_no_signatures(self):
        """As some routers do: all mail waits, and it is said why."""
        plain = Nameserver(self.lab.folder, "secure MX 10 real.example.\nreal A %s\n" % self.lab.spare[0])
        self.addCleanup(plain.stop)
        self.restart(dns__servers=plain.address)
        self.waits("x@secure.example", r"^4\.4\.3 the MX records of secure\.example can't be looked up: "
                   r"validation failure <secure\.example\. MX IN>: ")

    def test_anchor_below_the_root(self):
        """An island of trust: all else is insecure, not wrong."""
        with open(self.lab.nameserver.path("example.signed")) as f:
            key = re.search(r"(?m)^example\.\s.*\sDNSKEY\s+257 .*$", f.read())[0]
        anchor = self.lab.nameserver.write("island.key", key + "\n")
        self.restart(dns__trust_anchor=anchor)
        self.assertEqual(send(self.bob, "alice@alice.example", "island")[0], 250)
        take(self.alice, "island")
        self.assertIn("DNS: MX of alice.example? found, secure: ", self.traced())
        self.waits("x@forged.example", "validation failure")

    def test_anchors_that_are_none(self):
        good = self.lab.nameserver.anchor
        for name, text, words in (
                ("absent.key", None, "No such file or directory"),
                ("empty.key", "; nothing\n", "there is no key in it; dns-root-data has those"),
                ("other.key", "\n. IN A 127.0.0.1\n", "line 2: only DS and DNSKEY records say"),
                ("words.key", "these are words\n", "line 1: ")):
            with self.subTest(name=name):
                path = self.lab.nameserver.path(name)
                if text is not None:
                    self.lab.nameserver.write(name, text)
                self.bob.write(dns__trust_anchor=path)
                try:
                    said = self.bob.run("check", want=1)
                finally:
                    self.bob.write(dns__trust_anchor=good)
                self.assertRegex(said, r"cannot use %s \(dns\.trust_anchor, .*\.conf:\d+\): %s" % (re.escape(path), words))

    def test_reload_and_a_new_resolver(self):
        """The keys outlive both; other ones want a restart."""
        pid = self.bob.roles()["resolver"][0]
        before = self.bob.said().count("reloaded the configuration")
        for n, anchor in enumerate(("/nonexistent/root.key", self.lab.nameserver.anchor), 1):
            self.bob.write(dns__trust_anchor=anchor)
            self.bob.process.send_signal(signal.SIGHUP)
            wait_for(lambda: self.bob.said().count("reloaded the configuration") == before + n, what="a reload")
        self.assertEqual(self.bob.said().count("dns.trust_anchor changed: it takes effect at the next start"), 1)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: self.bob.roles().get("resolver", [pid]) != [pid], what="another resolver")
        self.assertEqual(send(self.bob, "x@again.example", "again")[0], 250)
        wait_for(lambda: self.real, what="the message")
        self.assertIn("DNS: MX of again.example? found, secure: ", self.traced())
