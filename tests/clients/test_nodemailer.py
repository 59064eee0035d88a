"""npm's nodemailer sends to a mock, and the API shows what it sent."""
import json
import os
import subprocess
import unittest

from server import Mock
from test_api import PNG, Api
from test_mailpit_api import HERE, modules

WAYS = {"plain": "", "starttls": "", "tls": "", "auth": "suite@example.org", "auth-login": "suite 2", "pool": ""}


class Nodemailer(unittest.TestCase):
    def test_ways(self):
        with Mock("--mailboxes", "login") as host:
            done = subprocess.run(["node", os.path.join(HERE, "nodemailer.mjs"), modules("nodemailer", "10.6.1"),
                                   str(host.smtp[1]), str(host.submissions[1])], capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            said = json.loads(done.stdout)
            self.assertIn("self-signed certificate", said.pop("untrusted"))
            ids = {name: reply.split(" queued as ")[1] for name, reply in said.items()}
            api = Api(host)
            api.wait("subject:field")
            self.assertEqual(api.found("subject:never"), [])
            self.assertEqual(len(api.found("subject:pool")), 21)
            self.assertEqual(Api(host, "suite 3").subjects(), ["field"])
            for name, login in WAYS.items():
                with self.subTest(name):
                    self.one(api, ids[name], name, login)

    def one(self, api, ident, name, login):
        m = api.get("/api/v1/message/" + ident)
        self.assertEqual((m["From"], m["Subject"], m["ReturnPath"], m["Username"]),
                         ({"Name": "Alice Ünï", "Address": "alice@example.com"}, "Grüße: " + name, "alice@example.com", login))
        self.assertEqual([[one["Address"] for one in m[field]] for field in ("To", "Cc", "Bcc", "ReplyTo")],
                         [["bob@example.org", "carol@example.org"], ["dan@example.net"], ["hidden@example.com"], ["reply@example.com"]])
        self.assertEqual(m["Text"].replace("\r\n", "\n").rstrip("\n"), "Grüße\n.\n..\n" + "a line that is longer than it may be, " * 50)
        self.assertIn("<p>Grüße <img src=\"cid:logo@example.com\"></p>", m["HTML"])
        files = {part["FileName"]: (part["ContentType"], api.ask("GET", "/api/v1/message/%s/part/%s" % (ident, part["PartID"]))[2])
                 for part in m["Attachments"] + m["Inline"]}
        self.assertEqual(files, {"logo.png": ("image/png", PNG), "a.txt": ("text/plain", b"one\r\ntwo"),
                                 "Bericht é.bin": ("application/octet-stream", bytes((i * i) >> 3 & 255 for i in range(100000)))})
        received = api.get("/api/v1/message/%s/headers" % ident)["Received"][0]
        how = "ESMTP" + "S" * (name in ("starttls", "tls", "auth")) + "A" * bool(login)
        self.assertIn(" with %s id " % how, " ".join(received.split()))
        self.assertEqual(api.get("/api/posthouse/v1/message/%s/envelope" % ident)["To"],
                         ["bob@example.org", "carol@example.org", "dan@example.net", "hidden@example.com"])


if __name__ == "__main__":
    unittest.main()
