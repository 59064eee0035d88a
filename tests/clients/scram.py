"""SCRAM-SHA-256 (RFC 5802, RFC 7677), the client's side, from the RFC's own words."""
import base64
import hashlib
import hmac
import os


def mac(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


def coded(octets):
    return base64.b64encode(octets).decode()


class Scram:
    """messages: first(), final(what the server said), then verify(what it said)."""

    def __init__(self, user, password, header="n,,", binding=b""):
        self.password, self.header, self.binding = password.encode(), header, binding
        self.bare = "n=%s,r=%s" % (user.replace("=", "=3D").replace(",", "=2C"), coded(os.urandom(18)))

    def first(self):
        return (self.header + self.bare).encode()

    def final(self, said):
        server = said.decode()
        values = dict(one.split("=", 1) for one in server.split(","))
        if not values["r"].startswith(self.bare.split(",r=")[1]) or int(values["i"]) < 4096:
            raise AssertionError(server)
        self.iterations, self.salt = int(values["i"]), base64.b64decode(values["s"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password, self.salt, self.iterations)
        key = mac(salted, b"Client Key")
        end = "c=%s,r=%s" % (coded(self.header.encode() + self.binding), values["r"])
        self.said = ",".join((self.bare, server, end)).encode()
        proof = bytes(a ^ b for a, b in zip(key, mac(hashlib.sha256(key).digest(), self.said)))
        self.signature = mac(mac(salted, b"Server Key"), self.said)
        return ("%s,p=%s" % (end, coded(proof))).encode()

    def verify(self, said):
        if said != b"v=" + coded(self.signature).encode():
            raise AssertionError("the server does not know the password: %r" % said)
        return b""

    def answer(self, said):
        """For libraries that hand over each challenge."""
        self.step = getattr(self, "step", 0) + 1
        return self.first() if self.step == 1 else self.final(said) if self.step == 2 else self.verify(said)
