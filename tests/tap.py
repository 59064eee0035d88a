"""tests/tap.py FILE - run the unittest cases of a file and print TAP."""
import importlib.util
import os
import signal
import sys
import unittest


class Tap(unittest.TestResult):
    """One line a test, with the traceback as a comment."""

    def line(self, word, test, more=""):
        print("%s - %s%s" % (word, test.id().split(".", 1)[-1], more), flush=True)

    def bad(self, test, err):
        self.line("not ok", test)
        for line in self._exc_info_to_string(err, test).splitlines():
            print("# " + line, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.line("ok", test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.bad(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.bad(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.bad(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.line("ok", test, " # SKIP " + reason)


def main(path):
    sys.path.insert(0, os.path.dirname(path))
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    name = os.path.basename(path)[:-3]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    result = Tap()
    # Ignored by what is started in the background; children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    sys.exit(0 if result.wasSuccessful() else 1)


main(os.path.abspath(sys.argv[1]))
