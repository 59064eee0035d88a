"""npm's mailpit-api, unchanged, as a client of a mock."""
import json
import os
import subprocess
import unittest

from server import Mock

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build", "npm-mailpit-api")
PACKAGE, VERSION = "mailpit-api", "2.1.0"


def modules():
    wanted = os.path.join(FOLDER, "node_modules", PACKAGE, "package.json")
    if not os.path.exists(wanted) or json.load(open(wanted))["version"] != VERSION:
        os.makedirs(FOLDER, exist_ok=True)
        subprocess.run(["npm", "install", "--prefix", FOLDER, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts",
                        "%s@%s" % (PACKAGE, VERSION)], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return FOLDER


class MailpitApi(unittest.TestCase):
    def test_methods(self):
        with Mock() as host:
            done = subprocess.run(["node", os.path.join(HERE, "mailpit_api.mjs"), modules(), "http://%s:%d" % host.http],
                                  capture_output=True, text=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertEqual(done.stdout.split(), ["about", "sendMessage", "reading", "searching", "marking", "tagging",
                                                   "chaos", "deleting"])


if __name__ == "__main__":
    unittest.main()
