"""Mail that waits because Alice's server is away: what `posthouse queue` says of it and does
with it, that it survives everything, and how relay.* is checked and reloaded."""
import email
import json
import os
import signal
import time
import unittest

from lab import Lab, Script, dialogue, inbox, message, send, take
from server import wait_for

ALICE = "alice@alice.example"
REFUSED = "4.4.2 mail.alice.example [127.0.0.3]: can't connect: Connection refused"


def waits(bob, *to, tries=1):
    """The only entry, once it was tried."""
    def look():
        rows = bob.queue(*to)
        return len(rows) == 1 and rows[0]["state"] == "waiting" and rows[0]["tries"] >= tries and rows[0]
    return wait_for(look, what="one entry that waits")


class Labs(unittest.TestCase):
    """Each test has a lab of its own."""

    def lab(self, **keys):
        lab = Lab("bob.example", "alice.example", **keys)
        self.addCleanup(lab.end)
        lab.start()
        self.bob, self.alice = lab.bob, lab.alice
        return lab

    def state(self):
        return [row["state"] for row in self.bob.queue()]

    def one_line(self, *words, say):
        said = self.bob.run("queue", *words, want=1)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertTrue(said.startswith("posthouse: "), said)
        self.assertIn(say, said)


class Away(Labs):
    def test_waits_and_arrives(self):
        lab = self.lab()
        self.assertEqual(self.bob.queue(), [])
        self.assertEqual(self.bob.run("queue", "list"), "the queue is empty\n")
        self.alice.stop()
        before = time.time()
        body = b"x" * 998 + b"\r\n.\r\n"
        code, words = send(self.bob, ALICE, "patience", body)
        self.assertEqual(code, 250)
        row = waits(self.bob)
        self.assertEqual((row["from"], row["to"], row["destination"], row["reply"]),
                         ("bob@bob.example", [ALICE], "alice.example", REFUSED))
        self.assertIn("queued as " + row["message"], words)
        self.assertGreater(row["size"], len(body))
        self.assertTrue(before - 1 <= row["arrived"] <= time.time(), row)
        self.assertLess(abs(row["next"] - time.time()), 5, row)
        text = self.bob.run("queue", "list")
        self.assertRegex(text, r"^%s  %s  <bob@bob.example>  %d bytes\n    (waiting, next try (in )?\d+ s"
                         r"( ago)?|ready|sending); tried \d+ times?, arrived \d+ s ago\n    to <%s>\n"
                         r"    last answer: %s\n$" % (row["id"], row["message"], row["size"], ALICE,
                                                    REFUSED.replace("[", r"\[")))
        shown = self.bob.show(row)
        self.assertEqual(shown["to"], [{"address": ALICE, "state": "waiting", "reply": REFUSED}])
        self.assertIn("to <%s>: %s\n" % (ALICE, REFUSED), self.bob.run("queue", "show", row["id"]))
        waits(self.bob, tries=3)
        self.alice.start()
        got = take(self.alice, "patience")
        self.assertTrue(got.endswith(message("patience", "bob@bob.example", ALICE, body)), got)
        wait_for(lambda: self.bob.queue() == [], what="the empty queue")
        self.assertEqual(inbox(self.bob), [])
        lab.stop()

    def test_commands(self):
        lab = self.lab(relay__retry="1h", relay__retry_max="4h")
        self.alice.stop()
        for name in "abc":
            self.assertEqual(send(self.bob, ALICE, name)[0], 250)
        rows = wait_for(lambda: len(self.bob.queue()) == 3 and
                        all(row["tries"] == 1 for row in self.bob.queue()) and self.bob.queue(),
                        what="three tries")
        self.assertTrue(all(2800 < row["next"] - time.time() < 4400 for row in rows), rows)
        a, b, c = [row["id"] for row in rows]
        self.assertIn("next try in ", self.bob.run("queue", "list"))

        self.assertEqual(self.bob.run("queue", "retry", a), "1 entry will be tried now\n")
        wait_for(lambda: [row["tries"] for row in self.bob.queue()] == [2, 1, 1], what="the retry")

        self.assertEqual(self.bob.run("queue", "hold", b), "1 entry held\n")
        self.assertEqual(self.state(), ["waiting", "held", "waiting"])
        self.assertNotIn("next", self.bob.queue()[1])
        self.one_line("retry", b, say="it is held; `posthouse queue release` lets it go")
        self.assertEqual(self.bob.run("queue", "drop", c), "1 entry dropped\n")
        self.assertEqual(self.state(), ["waiting", "held"])
        self.one_line("show", c, say='there is no entry "%s" in the queue' % c)
        self.alice.start()
        self.bob.run("queue", "retry", a)
        take(self.alice, "a")
        wait_for(lambda: self.state() == ["held"], what="a's end")
        self.assertEqual(self.bob.run("queue", "release", b), "1 entry released\n")
        take(self.alice, "b")
        wait_for(lambda: self.state() == [], what="b's end")
        self.assertEqual(self.bob.run("queue", "retry", "all"), "0 entries will be tried now\n")
        self.assertEqual([inbox(self.alice), inbox(self.bob)], [[], []])
        lab.stop()

    def test_held_while_it_waits(self):
        """A held entry stays, over restarts, also when its time has come: one that came
        after it goes."""
        lab = self.lab(relay__retry="1s", relay__retry_max="1s")
        self.alice.stop()
        self.assertEqual(send(self.bob, ALICE, "held")[0], 250)
        wait_for(lambda: self.state() in (["waiting"], ["held"]) and
                 self.bob.run("queue", "hold", "all"), what="the hold")
        self.assertEqual(send(self.bob, ALICE, "waits")[0], 250)
        wait_for(lambda: sorted(self.state()) == ["held", "waiting"], what="the second one")
        self.bob.stop()
        self.bob.start()
        self.assertIn("held", self.state())
        self.alice.start()
        take(self.alice, "waits")
        wait_for(lambda: self.state() == ["held"], what="the end of the second one")
        self.assertEqual(inbox(self.alice), [])
        self.bob.run("queue", "release", "all")
        take(self.alice, "held")
        lab.stop()

    def test_unknown_and_usage(self):
        lab = self.lab()
        for verb in ("show", "hold", "release", "retry", "drop"):
            for id in ("nosuch", "0", "c2jqzryzqmmk2", "x" * 200, "Ö\n"):
                self.one_line(verb, id, say="there is no entry \"")
        for words in ([], ["lose"], ["show"], ["list", "x"], ["drop", "a", "b"]):
            said = self.bob.run("queue", *words, want=2)
            self.assertTrue(said.startswith("posthouse: "), said)
        self.bob.stop()
        for words in (["list"], ["list", "--json"], ["show", "x"], ["retry", "all"]):
            self.one_line(*words, say="no server runs on " + self.bob.data)
        lab.stop()

    def test_long_list(self):
        """More than one message between roles holds."""
        lab = self.lab(relay__retry="1h", relay__retry_max="1h", limit__messages_per_account="0")
        self.alice.stop()
        with self.bob.login() as client:
            for n in range(100):
                client.sendmail("bob@bob.example", [ALICE, "b@alice.example"],
                                message("m%d" % n, "bob@bob.example", ALICE))
        rows = wait_for(lambda: len(self.bob.queue()) == 100 and self.bob.queue(), what="all")
        self.assertEqual(len({row["id"] for row in rows}), 100)
        self.assertEqual(self.bob.run("queue", "list").count("\n    last answer: "), 100)
        self.assertEqual(self.bob.run("queue", "drop", "all").split()[0], "100")
        self.assertEqual(self.bob.queue(), [])
        lab.stop()

    def test_kill_nine_of_all(self):
        """What waits is there after a crash, with its tries and words; a stop before the first
        try loses nothing either."""
        lab = self.lab()
        self.alice.stop()
        body = (b"y" * 998 + b"\r\n") * 1000
        self.assertEqual(send(self.bob, ALICE, "large", body)[0], 250)
        self.assertEqual(send(self.bob, ALICE, "small")[0], 250)
        rows = wait_for(lambda: len(self.bob.queue()) == 2 and
                        min(row["tries"] for row in self.bob.queue()) > 1 and self.bob.queue(),
                        what="tries")
        self.bob.kill()
        self.bob.start()
        after = {row["id"]: row for row in self.bob.queue()}
        self.assertEqual(len(after), 2)
        for old in rows:
            new = after[old["id"]]
            self.assertGreaterEqual(new["tries"], old["tries"])
            for key in ("message", "from", "to", "size", "arrived", "destination", "reply"):
                self.assertEqual(new[key], old[key])
        self.assertEqual(send(self.bob, ALICE, "fresh")[0], 250)
        self.bob.kill()
        self.bob.start()
        self.alice.start()
        for name in ("small", "fresh"):
            take(self.alice, name)
        got = take(self.alice, "large")
        self.assertTrue(got.endswith(message("large", "bob@bob.example", ALICE, body)), got[-300:])
        wait_for(lambda: self.bob.queue() == [], what="the empty queue")
        self.assertEqual(inbox(self.alice), [])
        lab.stop()

    def test_late_and_expired(self):
        """A sender hears of the delay, once, then of the end, once; with the last word."""
        lab = self.lab(relay__retry="1s", relay__retry_max="1s", relay__warn="2s", relay__expire="6s")
        self.alice.stop()
        self.assertEqual(send(self.bob, ALICE, "late")[0], 250)
        wait_for(lambda: len(inbox(self.bob)) == 2, what="two reports")
        wait_for(lambda: self.bob.queue() == [], what="the empty queue")
        late, over = sorted((email.message_from_bytes(m) for m in inbox(self.bob)),
                            key=lambda m: m.get_payload()[1].get_payload()[1]["Action"])
        one = late.get_payload()[1].get_payload()[1]
        self.assertEqual((one["Action"], one["Status"]), ("delayed", "4.4.2"))
        self.assertIn("Will-Retry-Until", one)
        self.assertIn("Connection refused", late.get_payload()[0].get_payload())
        one = over.get_payload()[1].get_payload()[1]
        self.assertEqual((one["Action"], one["Status"]), ("failed", "4.4.7"))
        self.assertNotIn("Will-Retry-Until", one)
        self.assertIn("Connection refused", over.get_payload()[0].get_payload())
        self.assertNotEqual(late["Subject"], over["Subject"])
        lab.stop()


class Configured(Labs):
    def check(self, want, **keys):
        self.bob.write(**keys)
        said = self.bob.run("check", want=0 if want is None else 1)
        if want is not None:
            self.assertEqual(said.count("\n"), 1, said)
            self.assertIn(want, said)
        self.bob.write(**{key: None for key in keys})

    def test_check(self):
        lab = self.lab()
        self.bob.stop()
        self.check(None, relay__host="mx.example.org:587")
        self.check(None, relay__host="[2001:db8::1]:587")
        self.check(None, relay__host="192.0.2.1")
        self.check(None, dns__servers="127.0.0.1:5300, 192.0.2.1, ::1")
        self.check('relay: "perhaps"', relay="perhaps")
        self.check('relay.host: "mx.example.org:x"', relay__host="mx.example.org:x")
        self.check('relay.host: "mx example"', relay__host="mx example")
        self.check('relay.port', relay__port="70000")
        self.check('relay.retry: "soon"', relay__retry="soon")
        self.check('relay.retry_max', relay__retry_max="0")
        self.check('relay.warn', relay__warn="-1s")
        self.check('relay.expire', relay__expire="100d")
        self.check('relay.sessions', relay__sessions="0")
        self.check('relay.sessions_per_host: "many"', relay__sessions_per_host="many")
        self.check('dns.servers: "ns.example.org"', dns__servers="ns.example.org")
        self.check('dns.servers', dns__servers="127.0.0.1:70000")
        self.check('dns.validate', dns__validate="2")
        self.check('did you mean "relay.retry"', relay__rety="5m")
        lab.stop()

    def test_no_relay(self):
        """relay = no: a user is refused at once, an alias that leads away too."""
        lab = self.lab(relay="no")
        code, words = send(self.bob, ALICE, "not here")
        self.assertEqual(code, 550, words)
        self.assertEqual(send(self.bob, "bob@bob.example", "here")[0], 250)
        take(self.bob, "here")
        self.assertEqual(self.bob.queue(), [])
        lab.stop()

    def reload(self, **keys):
        """SIGHUP; returns when it says so."""
        before = self.bob.said().count("reloaded")
        self.bob.write(**keys)
        self.bob.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.bob.said().count("reloaded") > before, what="the reload")

    def test_name_servers_stay(self):
        """dns.servers changed: a resolver that starts again meanwhile asks the old ones."""
        lab = self.lab()
        self.reload(dns__servers="127.0.0.1:1")
        self.assertIn("dns.servers changed: it takes effect at the next start", self.bob.said())
        before = self.bob.roles()["resolver"]
        os.kill(before[0], signal.SIGKILL)
        wait_for(lambda: self.bob.roles().get("resolver", before) != before,
                 what="another resolver")
        self.assertEqual(send(self.bob, ALICE, "found")[0], 250)
        take(self.alice, "found")
        lab.stop()

    def test_reload(self):
        lab = self.lab(relay__retry="1h", relay__retry_max="1h")
        # relay: at once, both ways.
        self.reload(relay="no")
        self.assertEqual(send(self.bob, ALICE, "refused")[0], 550)
        self.reload(relay="yes")
        self.assertEqual(send(self.bob, ALICE, "taken")[0], 250)
        take(self.alice, "taken")
        # relay.retry: for the next failure.
        self.alice.stop()
        self.assertEqual(send(self.bob, ALICE, "later")[0], 250)
        row = waits(self.bob)
        self.assertGreater(row["next"] - time.time(), 2000)
        self.reload(relay__retry="1s", relay__retry_max="1s")
        self.bob.run("queue", "retry", "all")
        waits(self.bob, tries=3)
        # relay.host: for all mail, also that which waits already.
        bodies = []
        smart = Script(lab, lab.spare[0], dialogue({}, bodies=bodies))
        self.addCleanup(smart.close)
        self.reload(relay__host="%s:%d" % (lab.spare[0], lab.port))
        self.assertEqual(send(self.bob, ALICE, "by the smart host")[0], 250)
        self.assertEqual(send(self.bob, "x@elsewhere.test", "elsewhere")[0], 250)
        wait_for(lambda: len(bodies) == 3, what="three messages at the smart host")
        wait_for(lambda: self.bob.queue() == [], what="the empty queue")
        # relay.expire, and back to MX.
        self.reload(relay__host=None, relay__expire="1s", relay__warn="0")
        self.assertEqual(send(self.bob, ALICE, "no time")[0], 250)
        take(self.bob, "Undelivered mail returned to sender")
        # What is wrong changes nothing.
        before = self.bob.said().count("stays as it was")
        self.bob.write(relay__port="x")
        self.bob.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.bob.said().count("stays as it was") > before, what="the refusal")
        self.bob.write(relay__port=lab.port, dns__validate="yes")
        self.bob.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "dns.validate changed: it takes effect at the next start" in self.bob.said(),
                 what="what wants a restart")
        lab.stop()
