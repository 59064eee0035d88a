"""npm's mailpit-api, unchanged, as a client of a mock."""
import json
import os
import subprocess
import unittest

from server import Mock

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build")


def modules(package, version):
    """The folder that has its node_modules, installed once."""
    folder = os.path.join(BUILD, "npm-" + package)
    wanted = os.path.join(folder, "node_modules", package, "package.json")
    if not os.path.exists(wanted) or json.load(open(wanted))["version"] != version:
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
                        "%s@%s" % (package, version)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return folder


class MailpitApi(unittest.TestCase):
    def test_methods(self):
        with Mock() as host:
            done = subprocess.run(["node", os.path.join(HERE, "mailpit_api.mjs"), modules("mailpit-api", "2.1.0"), "http://%s:%d" % host.http],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.split(), ["about", "sendMessage", "reading", "searching", "marking", "tagging",
                                                   "chaos", "deleting"])


if __name__ == "__main__":
    unittest.main()
