"""What a mock's API tells of a message's way: its journey, the dialogue in which it came, and
what was wrong with that."""
import datetime
import json
import smtplib
import socket
import ssl
import tempfile
import unittest
import urllib.error
import urllib.request

from server import Mock, wait_for

OURS = "/api/posthouse/v1/message/"
UNTRUSTING = ssl._create_unverified_context()


def get(host, path):
    """(status, JSON or text)"""
    try:
        with urllib.request.urlopen("http://%s:%d%s" % (*host.http, path), timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def about(host, id, kind):
    status, said = get(host, OURS + id + "/" + kind)
    assert status == 200, (status, said)
    return said


def lines(host, id):
    return about(host, id, "transcript")["Lines"]


def texts(host, id):
    """["S: 220 ...", "C: EHLO ..."]"""
    return ["%s: %s" % (line["From"][0].upper(), line["Text"]) for line in lines(host, id)]


def kinds(host, id):
    return [event["What"] for event in about(host, id, "journey")["Events"]]


def at(row):
    return datetime.datetime.fromisoformat(row["At"].replace("Z", "+00:00"))


def queued(words):
    return words.decode().split("queued as ")[1].strip()


def send(client, subject, to="bob@example.org"):
    """The id that the reply to DATA says."""
    client.mail("alice@example.com")
    client.rcpt(to)
    code, words = client.data("Subject: %s\r\n\r\nthe body's own words\r\n" % subject)
    assert code == 250, words
    return queued(words)


class Journeys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.host = Mock()
        cls.host.__enter__()
        cls.addClassCleanup(cls.host.__exit__, None, None, None)

    def finished(self, id, what="closed"):
        wait_for(lambda: what in kinds(self.host, id), what="the end of the journey")

    def test_plain(self):
        with smtplib.SMTP(*self.host.smtp, timeout=60) as client:
            client.ehlo("client.example")
            id = send(client, "plain")
            # Nothing has to end: the reply is there with the message.
            said = texts(self.host, id)
            self.assertEqual(said[-1], "S: 250 2.0.0 Ok: queued as " + id)
            self.assertEqual([at(line) for line in lines(self.host, id)],
                             sorted(at(line) for line in lines(self.host, id)))
        self.finished(id)
        answer = about(self.host, id, "journey")
        self.assertEqual(answer["ID"], id)
        events = answer["Events"]
        found = [e["What"] for e in events]
        for what in ("connection", "recipient", "accepted", "filed", "durable", "closed"):
            self.assertIn(what, found)
        self.assertEqual([at(e) for e in events], sorted(at(e) for e in events))
        accepted = events[found.index("accepted")]
        self.assertEqual((accepted["Host"], accepted["Role"]), ("mock.localhost", "edge.0"))
        self.assertIn("message %s from <alice@example.com>" % id, accepted["Words"])
        self.assertEqual((accepted["Details"]["id"], accepted["Details"]["recipients"]), (id, 1))
        self.assertFalse({"dialogue", "t", "e", "role"} & set(accepted["Details"]))
        said = texts(self.host, id)
        places = [said.index(line) for line in ("C: ehlo client.example", "C: mail FROM:<alice@example.com>",
                  "C: rcpt TO:<bob@example.org>", "C: data", "C: .", "S: 250 2.0.0 Ok: queued as " + id, "C: QUIT")]
        self.assertEqual(places, sorted(places), said)
        self.assertTrue(said[0].startswith("S: 220 ") and said[-1].startswith("S: 221 "), said)
        self.assertNotIn("body", str(lines(self.host, id)))
        # The time of its first line is that of the connection.
        self.assertLess(abs(at(lines(self.host, id)[0]) - at(events[0])), datetime.timedelta(seconds=20))

    def test_secrets(self):
        for how in ("PLAIN", "LOGIN"):
            with self.subTest(how=how), smtplib.SMTP(*self.host.smtp, timeout=60) as client:
                client.starttls(context=UNTRUSTING)
                client.ehlo("client.example")
                client.user, client.password = "somebody", "such-a-secret"
                client.auth(how, client.auth_plain if how == "PLAIN" else client.auth_login)
                id = send(client, "secret")
                said = lines(self.host, id)
                hidden = [line for line in said if line["Masked"]]
                self.assertEqual({(line["From"], line["Text"]) for line in hidden}, {("client", "(secret)")})
                self.assertIn("AUTH %s" % how, [line["Text"] for line in said])
                self.assertIn("STARTTLS", [line["Text"] for line in said])
                for secret in ("such-a-secret", "c3VjaC1hLXNlY3JldA", "AHNvbWVib2R5AHN1Y2gtYS1zZWNyZXQ"):
                    self.assertNotIn(secret, str(said) + str(about(self.host, id, "journey")))
                self.assertLessEqual({"tls", "login"}, set(kinds(self.host, id)))

    def test_several(self):
        """Each has its own part of the session; the last one its end."""
        with smtplib.SMTP(*self.host.smtp, timeout=60) as client:
            client.ehlo("client.example")
            ids = [send(client, "several", "bob%d@example.org" % number) for number in range(3)]
        self.finished(ids[2])
        for number, id in enumerate(ids):
            said = texts(self.host, id)
            self.assertEqual([line for line in said if line.startswith("C: rcpt")],
                             ["C: rcpt TO:<bob%d@example.org>" % number])
            self.assertEqual([line for line in said if "queued as" in line], ["S: 250 2.0.0 Ok: queued as " + id])
            self.assertEqual("C: ehlo client.example" in said, number == 0, said)
            self.assertEqual("C: QUIT" in said, number == 2, said)
            self.assertEqual([e["Details"]["to"] for e in about(self.host, id, "journey")["Events"]
                              if e["What"] == "recipient"], ["bob%d@example.org" % number])

    def test_pipelined(self):
        """Both in one piece: each reply to an end of data is its own message's."""
        one = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<%s@x.example>\r\nDATA\r\nSubject: %s\r\n\r\nx\r\n.\r\n"
        with socket.create_connection(self.host.smtp, timeout=60) as s, s.makefile("rb") as replies:
            replies.readline()
            s.sendall(b"EHLO client.example\r\n")
            while replies.readline()[3:4] == b"-":
                pass
            s.sendall(one % (b"one", b"one") + one % (b"two", b"two") + b"QUIT\r\n")
            ids = [queued(line) for line in replies if b"queued as" in line]
        self.finished(ids[1])
        for name, id in zip(("one", "two"), ids):
            said = texts(self.host, id)
            self.assertEqual([line for line in said if line.startswith("C: RCPT") or "queued as" in line],
                             ["C: RCPT TO:<%s@x.example>" % name, "S: 250 2.0.0 Ok: queued as " + id])
            self.assertEqual("S: 221 2.0.0 Bye" in said, name == "two")

    def test_gone(self):
        """It left after the dot, and read nothing; and it had its own ideas of SMTP, with a NUL."""
        with socket.create_connection(self.host.smtp, timeout=60) as s:
            s.sendall(b"EHLO client.example\r\nMAIL FROM:a@b.example\r\n\0RCPT TO:<gone@example.org>\r\nDATA\r\n"
                      b"Subject: gone\r\n\r\nx\r\n.\r\n")
        id = wait_for(lambda: get(self.host, "/api/v1/search?query=subject%3Agone")[1]["messages"],
                      what="the message")[0]["ID"]
        self.finished(id)
        said = texts(self.host, id)
        self.assertIn("C: MAIL FROM:a@b.example", said)
        self.assertIn("C: \0RCPT TO:<gone@example.org>", said)
        self.assertNotIn("C: QUIT", said)
        # The same in its lint: how it was sent.
        lint = about(self.host, id, "lint")
        found = {f["Name"]: f for f in lint["Findings"]}
        for name in ("path-brackets", "command-nul", "quit-missing"):
            self.assertIn(name, found)
            self.assertTrue(found[name]["Clause"].startswith("RFC 5321") and found[name]["Remedy"], found[name])
            self.assertIn("dialogue", found[name]["Where"])
            self.assertIn(name, [e["Details"]["name"] for e in about(self.host, id, "journey")["Events"]
                                 if e["What"] == "departure"])
        # Who keeps to it has no such finding.
        with smtplib.SMTP(*self.host.smtp, timeout=60) as client:
            id = send(client, "sound")
        self.finished(id)
        self.assertFalse({"path-brackets", "command-nul", "quit-missing"} &
                         {f["Name"] for f in about(self.host, id, "lint")["Findings"]})

    def test_latest_and_unknown(self):
        with smtplib.SMTP(*self.host.smtp, timeout=60) as client:
            id = send(client, "the newest")
            query = "latest/%s?query=subject%%3Anewest"
            for kind in ("journey", "transcript", "lint"):
                status, said = get(self.host, OURS + query % kind)
                self.assertEqual((status, said["ID"]), (200, id))
        for id in ("1.2x.3", "x", "%22", "latest.x"):
            for kind in ("journey", "transcript", "lint"):
                self.assertEqual(get(self.host, OURS + id + "/" + kind)[0], 404)
        self.assertEqual(get(self.host, OURS + "latest/transcript?query=subject%3Anothing-at-all")[0], 404)

    def test_send(self):
        body = {"From": {"Email": "a@b.example"}, "To": [{"Email": "c@d.example"}], "Subject": "by the API", "Text": "x"}
        request = urllib.request.Request("http://%s:%d/api/v1/send" % self.host.http, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            id = json.loads(answer.read())["ID"]
        self.finished(id)
        self.assertEqual([line for line in texts(self.host, id) if "queued as" in line],
                         ["S: 250 2.0.0 Ok: queued as " + id])

    def test_many_at_once(self):
        """Journeys are read one after the other, and everybody gets one."""
        with smtplib.SMTP(*self.host.smtp, timeout=60) as client:
            id = send(client, "many")
        sockets = [socket.create_connection(self.host.http, timeout=60) for _ in range(20)]
        for s in sockets:
            s.sendall(b"GET %s%s/journey HTTP/1.0\r\nHost: localhost\r\n\r\n" % (OURS.encode(), id.encode()))
        for s in sockets:
            with s, s.makefile("rb") as stream:
                self.assertIn(b" 200 ", stream.readline())


class Settings(unittest.TestCase):
    def test_none(self):
        """Without journeys there are no events; without dialogues no lines."""
        for setting, events in (("journey=no", False), ("journey.dialogue=no", True)):
            with self.subTest(setting=setting), Mock("--set", setting) as host:
                with smtplib.SMTP(*host.smtp, timeout=60) as client:
                    id = send(client, "x")
                self.assertEqual(lines(host, id), [])
                self.assertEqual(bool(kinds(host, id)), events)
                self.assertEqual(about(host, id, "lint")["ID"], id)

    def test_folder(self):
        """On disk they are there after a restart, and nothing but journeys can be read."""
        with tempfile.TemporaryDirectory(prefix="posthouse-journey-") as folder:
            with Mock(data=folder) as host:
                with smtplib.SMTP(*host.smtp, timeout=60) as client:
                    id = send(client, "kept")
                wait_for(lambda: "closed" in kinds(host, id), what="its end")
                before = texts(host, id)
            with Mock(data=folder) as host:
                self.assertEqual(texts(host, id), before)


if __name__ == "__main__":
    unittest.main()
