"""The wall clock jumps, for the server only, while mail goes in and is read: back by
a day, forward by a year, to 1970 and back, also over a restart and a kill -9."""
import email.utils
import re
import unittest

from shim import Shimmed
from server import wait_for
from traffic import Traffic

DAY = 24 * 3600
JUMPS = (-DAY, 366 * DAY, -40 * 366 * DAY, 41 * 366 * DAY)


class Clock(unittest.TestCase):
    def uidls(self, host):
        box = host.box()
        lines = [line.split() for line in box.uidl()[1]]
        box.quit()
        return [uidl for _number, uidl in lines]

    def test_jumps(self):
        with Shimmed("--set", "smtp.timeout=1m", "--set", "pop3.timeout=1m", "--set",
                     "watch.silence=20s") as host:
            before = host.roles()
            for n in range(5):
                self.assertEqual(host.send("early-%d" % n)[0], 250)
            wait_for(lambda: host.count() == 5, what="the first ones")
            early = self.uidls(host)
            idle = host.box()                   # has no right to end by a jump
            for n, jump in enumerate(JUMPS):
                with Traffic(host, "jump-%d" % n, 60, account=host.bob) as traffic:
                    traffic.wait(20)
                    host.jump(jump)
                    traffic.wait(20)
                traffic.check(self)
            self.assertEqual(idle.noop()[:3], b"+OK")
            idle.quit()
            self.assertEqual(host.roles(), before)
            self.assertEqual(self.uidls(host), early)
            self.check_dates(host)

    def check_dates(self, host):
        """Received lines have dates that a reader can read."""
        box = host.box()
        for n in range(1, 6):
            text = b"\n".join(box.retr(n)[1]).decode()
            self.assertTrue(email.utils.parsedate_tz(re.search(r";\s+(.*\d{4}.*)", text).group(1)))
        box.quit()

    def test_jump_over_restart(self):
        """Ids and UIDs do not come from the clock: it may have been anywhere before."""
        with Shimmed() as host:
            seen = []
            for n, jump in enumerate((-10 * 366 * DAY, 5 * 366 * DAY, -DAY)):
                for m in range(3):
                    self.assertEqual(host.send("life-%d-%d" % (n, m))[0], 250)
                if n == 1:
                    host.kill()
                else:
                    host.stop()
                host.jump(jump)
                host.start()
                wait_for(lambda: host.count() == 3 * (n + 1), what="all of them")
                now = self.uidls(host)
                self.assertEqual(now[:len(seen)], seen)
                self.assertEqual(len(set(now)), 3 * (n + 1))
                seen = now


if __name__ == "__main__":
    unittest.main()
