"""tests/harness.py - run the test programs, count what they say, sum it up.

Every test program speaks TAP: one "ok" or "not ok" line a test. A program that
dies, hangs or says nothing is one failure more. Called by ./test.
"""
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import fuzz

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "test")
RELEASE = os.path.join(ROOT, "build", "release")
# Of these the sanitizers make minutes, of reading the same megabytes again and again, or of starting
# server after server; what they run is fuzzed, has unit tests, and is run by others with them.
WITHOUT_SANITIZERS = ("clients/test_page", "clients/test_relay_queue", "clients/test_relay_smarthost",
                      "faults/test_damaged_queue", "faults/test_repair", "faults/test_verify")
# These judge time and memory.
FAULTS_ALONE = ("abuse", "flood", "idle", "scarce")
# Those that take a minute begin first, so that none of them is left alone at the end.
LONG = ("unit/router_test", "unit/router_relay_test", "unit/store_test", "unit/relay_queue_test",
        "clients/test_relay_queue", "clients/test_page", "clients/test_lab", "clients/test_web",
        "clients/test_relay_peers", "clients/test_thunderbird", "clients/test_imap_clients", "clients/test_relay_smarthost",
        "faults/test_damaged_queue", "faults/test_stopped", "faults/test_sync_errors", "faults/test_verify")
GROUPS = ("tidy", "unit", "clients", "faults", "sim", "fuzz")
SIM_SEEDS = 120
PROGRAM_SECONDS = 900

passed = failed = skipped = 0

# What was freed waits for less than the 256 MB that are usual: a page touched anew costs more
# than what most tests do with it.
ASAN = "abort_on_error=0:detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=16"


def environment():
    env = dict(os.environ)
    env["POSTHOUSE"] = os.path.join(BUILD, "posthouse")
    env["POSTHOUSE_RELEASE"] = os.path.join(RELEASE, "posthouse")
    env["POSTHOUSE_ROOT"] = ROOT
    env["POSTHOUSE_BUILD"] = BUILD
    env.setdefault("POSTHOUSE_SUITES", os.path.join(ROOT, "..", "shared", "suites"))
    env["ASAN_OPTIONS"] = ASAN
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1"
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    env["LC_ALL"] = "C.UTF-8"
    return env


def run(command, seconds=PROGRAM_SECONDS):
    """Return (exit status or None after a time-out, output)."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               start_new_session=True)
    try:
        out, _ = process.communicate(timeout=seconds)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        out, _ = process.communicate()
        status = None
    return status, out.decode("utf-8", "replace")


def report(name, status, out, seconds):
    """Count a TAP program's lines and say one line about it."""
    global passed, failed, skipped
    good = len(re.findall(r"^\s*ok\b(?!.*# SKIP)", out, re.M))
    # cmocka says "not ok N # SKIP": whoever is not root skips what only root can try.
    skips = len(re.findall(r"^\s*(?:not )?ok\b.*# SKIP", out, re.M))
    bad = len(re.findall(r"^\s*not ok\b(?!.*# SKIP)", out, re.M))
    trouble = None
    if status is None:
        trouble = "did not end"
    elif status != 0 and bad == 0:
        trouble = "exit status %d" % status
    elif good + bad + skips == 0:
        trouble = "ran no test"
    if trouble:
        bad += 1
    passed += good
    failed += bad
    skipped += skips
    words = "%d passed" % good + (", %d FAILED" % bad if bad else "")
    words += ", %d skipped" % skips if skips else ""
    words += " (%s)" % trouble if trouble else ""
    print("%-34s %s  %.1f s" % (name, words, seconds), flush=True)
    for line in re.findall(r"^# note: (.*)$", out, re.M):
        print("    " + line)
    for test, why in re.findall(r"^\s*(?:not )?ok\b(?: \d+)?(?: -)? *(.*?) *# SKIP *(.*)$", out, re.M):
        print("    skipped " + ": ".join(filter(None, (test, why))), flush=True)
    if bad:
        print("    | " + "\n    | ".join(out.splitlines()[-80:]), flush=True)


def one(name, command, seconds=PROGRAM_SECONDS):
    began = time.monotonic()
    status, out = run(command, seconds)
    return name, status, out, time.monotonic() - began


def together(jobs, workers):
    jobs = sorted(jobs, key=lambda job: job[0] not in LONG)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for future in concurrent.futures.as_completed([pool.submit(one, *j) for j in jobs]):
            report(*future.result())


def python_jobs(folder, word):
    jobs = []
    for name in sorted(os.listdir(os.path.join(ROOT, "tests", folder))):
        if name.startswith("test_") and name.endswith(".py") and word in name:
            path = os.path.join(ROOT, "tests", folder, name)
            title = "%s/%s" % (folder, name[:-3])
            program = os.path.join(RELEASE if title in WITHOUT_SANITIZERS else BUILD, "posthouse")
            jobs.append((title, ["env", "POSTHOUSE=" + program, sys.executable,
                                 os.path.join(ROOT, "tests", "tap.py"), path]))
    return jobs


def group_tidy(word):
    together([("tidy", [sys.executable, os.path.join(ROOT, "tests", "tidy.py")])], 1)


def group_unit(word):
    names = sorted(n for n in os.listdir(BUILD) if n.endswith("_test") and word in n)
    # Borrowed names of a function that is over are found here, where that costs little.
    asan = "ASAN_OPTIONS=" + ASAN + ":detect_stack_use_after_return=1"
    together([("unit/" + n, ["env", asan, os.path.join(BUILD, n)]) for n in names], os.cpu_count())


def group_clients(word):
    together(python_jobs("clients", word), os.cpu_count() * 2)      # they wait, mostly


def group_faults(word):
    """What judges files may share the machine; what judges time and memory has it alone."""
    jobs = python_jobs("faults", word)
    alone = ["faults/test_" + name for name in FAULTS_ALONE]
    together([j for j in jobs if j[0] not in alone], os.cpu_count() + 1)
    together([j for j in jobs if j[0] in alone], 1)


def group_sim(word):
    """Seeds in shares, one a core; a failing seed names the command that repeats it."""
    share = SIM_SEEDS // os.cpu_count()
    program = os.path.join(RELEASE, "posthouse")
    jobs = []
    for n in range(os.cpu_count()):
        first = 1 + n * share
        command = '"%s" sim --seed %d --runs %d && echo "ok - sim"' % (program, first, share)
        jobs.append(("sim/%d..%d" % (first, first + share - 1), ["sh", "-c", command]))
    together([j for j in jobs + python_jobs("sim", word) if word in j[0]], os.cpu_count())


def group_fuzz(words):
    fuzz.group(words, environment()["POSTHOUSE_SUITES"], together)


USAGE = """usage: ./test [GROUP... [NAME]]

groups: %s; all of them without a word.
NAME runs what has it in its name. For fuzz the seconds that each target gets may stand
before it: ./test fuzz 600 smtp.

./test coverage [NAME] measures what the fuzz targets reach with the inputs they have,
and writes doc/FUZZING.md (all of them, without a name).
""" % " ".join(GROUPS)


def main(words):
    if "--help" in words or "-h" in words:
        print(USAGE, end="")
        return
    if words[:1] == ["coverage"]:
        fuzz.coverage(words[1:])
        return
    chosen = [w for w in words if w in GROUPS] or list(GROUPS)
    rest = [w for w in words if w not in GROUPS]
    names = [w for w in rest if not (w.isdigit() and "fuzz" in words)]
    if len(names) > 1 or len(rest) > 2 or (rest and not any(w in GROUPS for w in words)):
        sys.exit("test: unknown group %s; there are: %s" % (rest[-1], " ".join(GROUPS)))
    if not os.path.isdir(environment()["POSTHOUSE_SUITES"]):
        print("note: ../shared/suites is not here: its cases are left out")
    for group in chosen:
        began = time.monotonic()
        if group == "fuzz":
            group_fuzz(rest)
        else:
            globals()["group_" + group](names[0] if names else "")
        print("%-34s %.0f s in all" % (group, time.monotonic() - began), flush=True)
    print("%d passed, %d failed%s" % (passed, failed, ", %d skipped" % skipped if skipped else ""))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
