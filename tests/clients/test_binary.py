"""The release binary is hardened, and tells who asks."""
import os
import re
import subprocess
import unittest

RELEASE = os.environ["POSTHOUSE_RELEASE"]


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Hardening(unittest.TestCase):
    def test_pie_relro_now(self):
        self.assertIn("DYN (Position-Independent Executable file)", output("readelf", "-h", RELEASE))
        self.assertIn("GNU_RELRO", output("readelf", "-lW", RELEASE))
        self.assertRegex(output("readelf", "-dW", RELEASE), r"FLAGS_1.*NOW.*PIE")

    def test_stack_is_not_executable(self):
        flags = re.search(r"GNU_STACK.*\s([RWE ]+)\s+0x\w+$", output("readelf", "-lW", RELEASE), re.M)
        self.assertEqual(flags.group(1).replace(" ", ""), "RW")

    def test_stack_protector_and_fortify(self):
        names = output("readelf", "-sW", "--dyn-syms", RELEASE)
        self.assertIn("__stack_chk_fail", names)
        self.assertRegex(names, r"__\w+_chk\b")


class Help(unittest.TestCase):
    def test_each_command_has_help(self):
        listed = output(RELEASE, "help")
        for name in ("serve", "check", "domain", "account", "alias", "sim", "bench", "help", "version"):
            self.assertRegex(listed, r"(?m)^\s+%s\b" % name)
            self.assertTrue(output(RELEASE, "help", name).strip())

    def test_typo(self):
        done = subprocess.run([RELEASE, "serv"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn('"serve"', done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
