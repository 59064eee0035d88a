"""kill -9 of any role, and of all, while 2,000 messages go in over 20 sessions:
every message that got 250 is there, once. Ten rounds."""
import os
import signal
import unittest

from server import Demo, free_ports, wait_for
from traffic import Traffic

MESSAGES = 2000
SESSIONS = 20
ROUNDS = ["edge", "router", "store", "directory", "edge", "all", "store", "router", "keeper", "all"]


class Kill(unittest.TestCase):
    def strike(self, victim):
        if victim in ("keeper", "all"):
            self.host.kill(roles=victim == "all")
            self.host.start()
        else:
            # After the first strike it may be between two lives.
            pids = wait_for(lambda: self.host.roles().get(victim), what="a living " + victim)
            os.kill(pids[0], signal.SIGKILL)

    def round(self, number, victim):
        with Traffic(self.host, "r%d" % number, MESSAGES, sessions=SESSIONS) as traffic:
            traffic.wait(MESSAGES // 4)
            self.strike(victim)
            traffic.wait(MESSAGES // 4)
            if victim not in ("keeper", "all"):
                self.strike(victim)
        traffic.check(self)

    def test_kill_nine_in_ten_rounds(self):
        port = free_ports()
        with Demo("--port-base", str(port), "--set", "edges=2",
                  program=os.environ["POSTHOUSE_RELEASE"]) as self.host:
            for number, victim in enumerate(ROUNDS):
                with self.subTest(round=number, victim=victim):
                    self.round(number, victim)
