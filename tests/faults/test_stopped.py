"""A role that stands still (SIGSTOP) is ended and started again by the keeper, while
mail goes in; one that only waits for a slow disk is left alone, and a keeper that
stood still itself blames nobody."""
import os
import signal
import threading
import unittest

from server import ROLES, Demo, free_ports, wait_for
from shim import ANY_SYNC, Shimmed
from traffic import Traffic

SILENCE = 6
WORDS = ("--set", "watch.silence=%ds" % SILENCE, "--set", "edges=1", "--set", "stores=1")
OF_A_DELIVERY = ("store", "router", "directory", "edge")


def pids(host):
    return {name: found[0] for name, found in host.roles().items()}


class Stopped(unittest.TestCase):
    def test_stopped_role(self):
        with Demo("--port-base", str(free_ports()), *WORDS,
                  program=os.environ["POSTHOUSE_RELEASE"]) as host:
            for role in ROLES:
                with self.subTest(role=role):
                    self.stop_one(host, role)

    def stop_one(self, host, role):
        with Traffic(host, role, 80) as traffic:
            traffic.wait(20)
            before = wait_for(lambda: host.roles().get(role), what="a living " + role)[0]
            os.kill(before, signal.SIGSTOP)
            wait_for(lambda: host.roles().get(role, [before])[0] != before, seconds=120,
                     what="the next life of " + role)
        traffic.check(self, refused_may_come=True)
        self.assertIn("%s 0 has been silent" % role if role in ("edge", "store") else
                      "%s has been silent" % role, host.said() + host.log("keeper"))

    def test_slow_disk(self):
        """Each sync takes a second; a process that waits for some of them answers."""
        with Shimmed(*WORDS) as host:
            before = pids(host)
            rules = [host.rule(role, ANY_SYNC, 0, wait_ms=1000) for role in OF_A_DELIVERY]
            with Traffic(host, "slow", 400, sessions=40) as traffic:
                wait_for(lambda: rules[0].hits > SILENCE and rules[3].hits > SILENCE, seconds=120,
                         what="more slow syncs than its silence may last")
            for rule in rules:
                rule.left = 0
            traffic.check(self)
            self.assertEqual(pids(host), before)

    def test_stopped_keeper(self):
        with Demo("--port-base", str(free_ports()), *WORDS,
                  program=os.environ["POSTHOUSE_RELEASE"]) as host:
            before = pids(host)
            os.kill(host.process.pid, signal.SIGSTOP)
            try:
                with Traffic(host, "headless", 40) as traffic:
                    pass
                # Time is what goes wrong here.
                threading.Event().wait(2 * SILENCE)
            finally:
                os.kill(host.process.pid, signal.SIGCONT)
            traffic.check(self)
            # It has looked at them again: an end takes this long to be decided.
            threading.Event().wait(1.5 * SILENCE)
            self.assertEqual(pids(host), before)


if __name__ == "__main__":
    unittest.main()
