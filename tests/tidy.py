"""tests/tidy.py - the rules of the tree that a machine can check. Prints TAP.

- a file includes only from its own folder and the layers before it;
- no C file over 1,000 lines, no function over 100;
- each C file opens with a comment that names it;
- each file of a layer is listed in its meson.build;
- each fuzz target says which files it is for and what it holds (doc/FUZZING.md).
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# DESIGN section 3, and ARCHITECTURE.md: what stands above may be included.
LAYERS = ["base", "mail", "dns", "auth", "smtp", "search", "imap", "pop3", "jmap", "sieve", "http", "os",
          "log", "pack", "journal", "account", "queue", "journey", "directory", "api", "ipc",
          "config", "role", "sim", "cli"]
FILE_LINES_MAX = 1000
FUNCTION_LINES_MAX = 100
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def sources():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "src"],
                         cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [p for p in out.split() if p.endswith((".c", ".h")) and os.path.exists(os.path.join(ROOT, p))]


def upward_includes(path, text):
    layer = path.split("/")[1]
    if layer not in LAYERS:
        yield "%s: folder src/%s is no layer" % (path, layer)
        return
    for name in INCLUDE.findall(text):
        if name == "unit.h" and path.endswith(("_test.c", "_test.h")):
            continue
        if re.match(r"fuzz\w*\.h$", name) and path.endswith("_fuzz.c"):
            continue
        folder = name.split("/")[0] if "/" in name else None
        if folder not in LAYERS:
            yield '%s: includes "%s": name it from src/ ("base/slice.h")' % (path, name)
        elif LAYERS.index(folder) > LAYERS.index(layer):
            yield "%s: includes %s, which stands below it" % (path, name)


def long_functions(path, text):
    """A function's body is from a "{" in column 0 to the next "}" in column 0."""
    start, name = None, ""
    lines = text.split("\n")
    for n, line in enumerate(lines):
        if line.startswith("{") and n > 0:
            start = n
            name = next((l for l in reversed(lines[max(0, n - 8):n]) if re.match(r"^\w.*\(", l)), "?")
        elif line.startswith("}") and start is not None:
            if n - start + 1 > FUNCTION_LINES_MAX:
                yield "%s:%d: %d lines: %s" % (path, start, n - start + 1, name.strip())
            start = None


def unlisted(path):
    folder, name = os.path.split(path)
    if not name.endswith(".c") or path == "src/cli/main.c":
        return
    listed = open(os.path.join(ROOT, folder, "meson.build")).read()
    stem = name[:-2] if name.endswith(("_test.c", "_fuzz.c")) else name
    if "'%s'" % stem not in listed:
        yield "%s: not in %s/meson.build" % (path, folder)


def cited(text):
    return set(re.findall(r"\bRFC (\d{3,5})\b", text))


def rfc_rows(text):
    """RFC -> the files of its row."""
    rows = {}
    for line in text.splitlines():
        found = re.match(r"\| (\d[\d, ]*) \|", line)
        for number in found.group(1).split(", ") if found else []:
            rows[number] = re.findall(r"`(src/[^`]+)`", line)
    return rows


def rfc_faults(code, rows):
    for number in sorted(cited(code) - set(rows)):
        yield "RFC %s is named in src and has no row in doc/RFC.md" % number
    for number in sorted(set(rows) - cited(code)):
        yield "doc/RFC.md: nothing in src names RFC %s" % number
    for number, files in rows.items():
        for name in files or ["no file"]:
            if not os.path.exists(os.path.join(ROOT, name)):
                yield "doc/RFC.md: RFC %s: %s is not there" % (number, name)


def faults():
    found = {"includes go downwards only": [], "files within %d lines" % FILE_LINES_MAX: [],
             "functions within %d lines" % FUNCTION_LINES_MAX: [],
             "each file says what it is": [], "each fuzz target says what it holds": [], "each file is built": [],
             "each RFC has its row": []}
    names = list(found)
    code = []
    for path in sources():
        text = open(os.path.join(ROOT, path), encoding="utf-8").read()
        found[names[0]] += upward_includes(path, text)
        if text.count("\n") > FILE_LINES_MAX:
            found[names[1]].append("%s: %d lines" % (path, text.count("\n")))
        found[names[2]] += long_functions(path, text)
        if not text.startswith("/* %s - " % path[len("src/"):]):
            found[names[3]].append('%s: does not begin with "/* %s - "' % (path, path[len("src/"):]))
        if path.endswith("_fuzz.c") and not re.search(r"\n \* For: .*\n \* Holds: ", text, re.S):
            found[names[4]].append("%s: its head needs \"For:\" and \"Holds:\"" % path)
        found[names[5]] += unlisted(path)
        code.append(text)
    with open(os.path.join(ROOT, "doc", "RFC.md"), encoding="utf-8") as index:
        found[names[6]] += rfc_faults("".join(code), rfc_rows(index.read()))
    return found


def self_test():
    """The rules themselves must be able to fail."""
    assert list(upward_includes("src/base/a.c", '#include "mail/date.h"\n'))
    assert not list(upward_includes("src/mail/a.c", '#include "base/slice.h"\n'))
    assert list(long_functions("a.c", "int f(void)\n{\n" + "\n" * 100 + "}\n"))
    assert not list(long_functions("a.c", "int f(void)\n{\n" + "\n" * 90 + "}\n"))
    assert list(rfc_faults("/* RFC 9999 */", {}))
    assert len(list(rfc_faults("", rfc_rows("| 9998, 9999 | x | y | `src/no` |\n")))) == 4
    assert not list(rfc_faults("/* RFC 9999 */", rfc_rows("| 9999 | x | y | `src/cli/main.c` |\n")))


def main():
    self_test()
    bad = False
    for name, places in faults().items():
        print("%s - %s" % ("not ok" if places else "ok", name))
        for place in places:
            print("#   " + place)
        bad = bad or bool(places)
    sys.exit(1 if bad else 0)


main()
