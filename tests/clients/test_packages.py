"""packaging/debian.sh: services that come with packages start neither now nor at the next
boot. Nothing is installed here: what asks and what installs are stand-ins."""
import os
import subprocess
import tempfile
import unittest

SCRIPT = os.path.join(os.environ["POSTHOUSE_ROOT"], "packaging", "debian.sh")
STAND_INS = {
    "id": "echo 0",
    "dpkg-query": "exit 1",
    "apt-get": """[ "$1" = install ] || exit 0
"$HERE/policy"; echo "policy says $?" >>"$HERE/done"
echo nsd >>"$HERE/boot"; echo nsd.service >>"$HERE/boot"
exit "$APT_STATUS\"""",
    "systemctl": """echo "systemctl $*" >>"$HERE/done\"""",
    "update-rc.d": """echo "update-rc.d $*" >>"$HERE/done\"""",
}
RUN = """. "$0"
policy=$HERE/policy
boot_services() { sort -u "$HERE/boot"; }
need_packages nsd swaks"""


class Packages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.here = folder.name
        for name, text in STAND_INS.items():
            path = os.path.join(self.here, name)
            with open(path, "w") as f:
                f.write("#!/bin/sh\n%s\n" % text)
            os.chmod(path, 0o755)

    def done(self, apt_status, boot="dbus\nsshd.service\n"):
        with open(os.path.join(self.here, "boot"), "w") as f:
            f.write(boot)
        run = subprocess.run(["sh", "-euc", RUN, SCRIPT], capture_output=True, text=True, env={
            "PATH": self.here + ":" + os.environ["PATH"], "HERE": self.here,
            "APT_STATUS": str(apt_status)})
        self.assertEqual(run.returncode != 0, apt_status != 0, run.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.here, "policy")))
        with open(os.path.join(self.here, "done")) as f:
            return f.read().splitlines()

    def test_what_is_new_stays_off(self):
        for status in 0, 100:
            with self.subTest(status):
                self.assertEqual(self.done(status), [
                    "policy says 101", "update-rc.d nsd disable",
                    "systemctl --quiet disable nsd.service"])
                os.unlink(os.path.join(self.here, "done"))

    def test_what_was_there_stays(self):
        """Who has a name server of their own keeps it."""
        self.assertEqual(self.done(0, "dbus\nnsd\nnsd.service\n"), ["policy says 101"])


if __name__ == "__main__":
    unittest.main()
