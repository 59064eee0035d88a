"""Logging in by IMAP, with Python's imaplib: in the clear, over STARTTLS, on 993."""
import base64
import imaplib
import socket
import ssl
import unittest

from server import Demo, Mock

TIMEOUT = 60


def code_of(words):
    """[b"[UNAVAILABLE] later"] -> "UNAVAILABLE"."""
    return words[0].decode().partition("]")[0].lstrip("[")


def plain(login, password):
    return b"\0%s\0%s" % (login.encode(), password.encode())


def own_address():
    """An address of this machine that is not loopback, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))     # sends nothing
        except OSError:
            return None
        address = s.getsockname()[0]
    return None if address.startswith("127.") else address


class Login(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Demo("--set", "listen.imap=0.0.0.0:0")
        cls.addClassCleanup(cls.host.__exit__)
        cls.host.__enter__()
        cls.port = cls.host.imap[1]
        cls.alice = cls.host.alice
        cls.tls = ssl.create_default_context(cafile=cls.host.certificate)
        cls.tls.check_hostname = False

    def clear(self, address="127.0.0.1"):
        return self.kept(imaplib.IMAP4(address, self.port, timeout=TIMEOUT))

    def starttls(self, address="127.0.0.1"):
        box = self.clear(address)
        self.assertEqual(box.starttls(self.tls)[0], "OK")
        return box

    def imaps(self):
        return self.kept(imaplib.IMAP4_SSL(*self.host.imaps, ssl_context=self.tls, timeout=TIMEOUT))

    def kept(self, box):
        self.addCleanup(box.shutdown)
        return box

    def ways(self):
        return ("clear", self.clear), ("STARTTLS", self.starttls), ("993", self.imaps)

    def refused(self, code, command, *words):
        with self.assertRaises(imaplib.IMAP4.error) as raised:
            command(*words)
        self.assertIn("[%s]" % code, str(raised.exception))

    def test_capabilities(self):
        for name, way in self.ways():
            with self.subTest(name):
                box = way()
                self.assertTrue(box.welcome.startswith(b"* OK [CAPABILITY IMAP4rev1 IMAP4rev2 "), box.welcome)
                self.assertIn(b"mail.alice.example", box.welcome)
                for word in ("IMAP4REV2", "SASL-IR", "AUTH=PLAIN"):
                    self.assertIn(word, box.capabilities)
                self.assertEqual("STARTTLS" in box.capabilities, name == "clear")
                self.assertNotIn("LOGINDISABLED", box.capabilities)
                self.assertEqual(box.noop()[0], "OK")
                self.assertEqual(box.logout()[0], "BYE")

    def test_wrong(self):
        for name, way in self.ways():
            with self.subTest(name):
                box = way()
                self.refused("AUTHENTICATIONFAILED", box.login, self.alice.address, "wrong")
                self.refused("AUTHENTICATIONFAILED", box.login, "nobody@alice.example", self.alice.password)
                self.refused("AUTHENTICATIONFAILED", box.authenticate, "PLAIN",
                             lambda _: plain(self.alice.address, "wrong"))
                self.refused("CANNOT", box.authenticate, "XYZZY", lambda _: b"")
                self.assertEqual(box.logout()[0], "BYE")

    def test_off_loopback(self):
        """No password in the clear from elsewhere; over STARTTLS it is judged."""
        address = own_address()
        if address is None:
            self.skipTest("this machine has loopback only")
        box = self.clear(address)
        self.assertIn("LOGINDISABLED", box.capabilities)
        self.assertNotIn("AUTH=PLAIN", box.capabilities)
        self.refused("PRIVACYREQUIRED", box.login, self.alice.address, self.alice.password)
        with self.assertRaises(imaplib.IMAP4.error):
            box.authenticate("PLAIN", lambda _: plain(self.alice.address, self.alice.password))
        self.assertEqual(box.starttls(self.tls)[0], "OK")
        self.assertNotIn("LOGINDISABLED", box.capabilities)
        self.refused("AUTHENTICATIONFAILED", box.login, self.alice.address, "wrong")

    def test_a_stranger_is_let_go(self):
        """Who says only nonsense hears BYE, and the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as s:
            s.sendall(b"a XYZZY\r\n" * 100)
            said = b""
            while piece := s.recv(4096):
                said += piece
        self.assertIn(b"\r\n* BYE ", said)
        self.assertLess(said.count(b"a BAD "), 100)


if __name__ == "__main__":
    unittest.main()
