"""tests/fuzz.py - the fuzz targets: seeds, runs, coverage. Used by harness.py.

A target is src/*/NAME_fuzz.c. Its head comment says "For:" which files it is
there for, and "Holds:" what it checks; doc/FUZZING.md quotes both. Inputs:

  tests/corpus/NAME_fuzz/   failed once, or made by hand; run first, in every ./test
  build/seeds/NAME_fuzz/    made of ../shared/suites, when that is there
  build/corpus/NAME_fuzz/   what libFuzzer found interesting; grows from run to run
"""
import glob
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "fuzz")
COVERED = os.path.join(ROOT, "build", "coverage")
SEEDS = os.path.join(ROOT, "build", "seeds")
GROWN = os.path.join(ROOT, "build", "corpus")
KEPT = os.path.join(ROOT, "tests", "corpus")
DOCUMENT = os.path.join(ROOT, "doc", "FUZZING.md")

# Seconds in a run of all: the parsers and engines that strangers or a crash
# speak to get more than the small ones.
SECONDS_LONG, SECONDS = 8, 3
LONG = ("smtp_server", "smtp_client", "pop3_server", "pop3_client", "address", "header", "mime",
        "log_replay", "log_segment", "ipc", "role")
SEEDS_MAX = 400
SEED_BYTES_MAX = 16 * 1024
MAIL = re.compile(r"\.(eml|txt|msg|crlf|mbox)$")


def targets(word=""):
    names = [os.path.basename(p)[:-2] for p in glob.glob(os.path.join(ROOT, "src", "*", "*_fuzz.c"))]
    return sorted(n for n in names if word in n)


def seconds_of(name):
    return SECONDS_LONG if name[:-len("_fuzz")] in LONG else SECONDS


# ---- seeds ----

def cases(suites, name):
    try:
        with open(os.path.join(suites, name, "cases.json"), encoding="utf-8") as file:
            return json.load(file)["cases"]
    except (OSError, ValueError):
        return []


def encode(text):
    return text.encode("utf-8", "surrogatepass")


def mails(suites):
    """Whole messages with CRLF, the small ones first."""
    found = []
    for folder in glob.glob(os.path.join(suites, "mime-*")) + \
            [os.path.join(suites, n) for n in ("arc-valimail", "dkim-mail-auth", "reports-mail-auth")]:
        for path, _, names in os.walk(folder):
            found += [os.path.join(path, n) for n in names if MAIL.search(n)]
    texts = []
    for path in sorted(found, key=lambda p: (os.path.getsize(p), p)):
        with open(path, "rb") as file:
            text = file.read(SEED_BYTES_MAX)
        texts.append(text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    return texts[:SEEDS_MAX]


def stuffed(text):
    return re.sub(rb"(?m)^\.", b"..", text) + (b"" if text.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def seeds(suites):
    """{target: [input, ...]}, each in the form that the target reads."""
    addresses = [encode(c["address"]) for c in cases(suites, "addr-isemail")]
    headers = [encode(c["header"]) for n in ("address", "received", "id", "list", "unstructured",
                                             "content_type")
               for c in cases(suites, "header-" + n)]
    dates = [encode(c["header"]) for c in cases(suites, "header-date")]
    domains = [encode(c["row"][0]) for c in cases(suites, "idn-idnatestv2")]
    whole = mails(suites)
    dialogue = b"EHLO a.example\r\nMAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n%s.\r\nQUIT\r\n"
    logged_in = b"+OK\r\n-ERR\r\n+OK\r\n+OK\r\n"
    return {
        "address_fuzz": addresses + [b"<" + a + b">" for a in addresses] + headers + dates + domains,
        "header_fuzz": [b"\x80" + m for m in whole] + [b"\x40X: " + h for h in headers],
        "compose_fuzz": [b"\x81" + m for m in whole] + [b"\x81To: " + h + b"\r\n\r\n" for h in headers] +
                        [b"\x0f" + b"\0".join((h, a, a + b", b@c", a, m[:400], h)) for h, a, m in
                         zip(headers, addresses * 8, whole * 8)],
        "encoding_fuzz": [bytes([2, 0]) + d for d in dates] +
                         [bytes([k, 9]) + m[:2000] for m in whole[:80] for k in (0, 1, 3)],
        "api_fuzz": [bytes([n % 256]) + m for n, m in enumerate(whole)],
        "mime_fuzz": [bytes([n % 256]) + m for n, m in enumerate(whole)] +
                     [b"\xffFrom: " + h + b"\r\nContent-Type: " + h for h in headers],
        "imap_describe_fuzz": [bytes([n % 256]) + m for n, m in enumerate(whole)],
        "seven_bit_fuzz": [bytes([n % 256]) + m for n, m in enumerate(whole)],
        "smtp_server_fuzz": [b"\x05\0\x07\0" + dialogue % (a, a, b"x\r\n") for a in addresses] +
                            [b"\x04\0\x09\0" + dialogue.replace(b".\r\nQUIT", b"QUIT") %
                             (b"a@b.example", b"c@d.example", stuffed(m[:900])) for m in whole],
        "pop3_client_fuzz": [b"\x02\x09\x05" + logged_in + b"+OK\r\n" * 2 + stuffed(m[:2000])
                             for m in whole[:100]],
        "name_fuzz": addresses + domains,
    }


def write_seeds(suites):
    shutil.rmtree(SEEDS, ignore_errors=True)
    for name, inputs in seeds(suites).items() if os.path.isdir(suites) else ():
        folder = os.path.join(SEEDS, name)
        os.makedirs(folder)
        for data in inputs:
            with open(os.path.join(folder, hashlib.sha1(data).hexdigest()), "wb") as file:
                file.write(data)


# ---- runs ----

def folders(name):
    """The grown corpus first: that is where libFuzzer writes."""
    os.makedirs(os.path.join(GROWN, name), exist_ok=True)
    return [p for p in (os.path.join(top, name) for top in (GROWN, KEPT, SEEDS)) if os.path.isdir(p)]


def command(name, seconds, scratch):
    """Shell: the kept inputs one by one, then look for new ones."""
    log = shlex.quote(os.path.join(scratch, name + ".log"))
    kept = sorted(glob.glob(os.path.join(KEPT, name, "*")))
    dictionary = os.path.join(ROOT, "tests", "dictionaries", name[:-len("_fuzz")] + ".dict")
    program = "%s -timeout=60 -rss_limit_mb=2048 -artifact_prefix=%s" % (
        shlex.quote(os.path.join(BUILD, name)), shlex.quote(scratch + "/"))
    run = "%s %%s >%s 2>&1 || { cat %s; exit 1; }; " % (program, log, log)
    script = run % " ".join(map(shlex.quote, kept)) + "echo 'ok - kept inputs'; " if kept else ""
    script += run % ("-max_total_time=%d -verbosity=0 -print_final_stats=1 %s %s" % (
        seconds, "-dict=" + shlex.quote(dictionary) if os.path.exists(dictionary) else "",
        " ".join(map(shlex.quote, folders(name)))))
    return script + "echo 'ok - new inputs'; sed -n 's/^stat::number_of_executed_units: *" \
        "\\(.*\\)/# note: \\1 inputs/p' " + log


def group(words, suites, together):
    seconds = [int(w) for w in words if w.isdigit()]
    names = [w for w in words if not w.isdigit()]
    write_seeds(suites)
    scratch = tempfile.mkdtemp(prefix="posthouse-fuzz-")
    jobs = []
    for name in targets(names[0] if names else ""):
        budget = seconds[0] if seconds else seconds_of(name)
        jobs.append(("fuzz/" + name, ["sh", "-c", command(name, budget, scratch)], budget + 180))
    together(sorted(jobs, key=lambda j: -j[2]), os.cpu_count())
    left = [f for f in os.listdir(scratch) if f.startswith(("crash-", "timeout-", "oom-", "leak-"))]
    if left:
        print("inputs that failed are in %s: %s" % (scratch, " ".join(left)))
    else:
        shutil.rmtree(scratch)


# ---- coverage ----

def said(name):
    """(path, files it is for, what holds) from the head comment of a target."""
    path = glob.glob(os.path.join(ROOT, "src", "*", name + ".c"))[0]
    with open(path, encoding="utf-8") as file:
        head = file.read().split("*/")[0]
    parts = {}
    for word, text in re.findall(r"^ \* (For|Holds): (.*?)(?=\n \*\s*\n|\n? ?\Z)", head, re.M | re.S):
        parts[word] = " ".join(re.sub(r"\n \* ?", " ", text).split())
    if set(parts) != {"For", "Holds"}:
        sys.exit("%s: its head needs \"For:\" and \"Holds:\"" % path)
    return os.path.relpath(path, ROOT), parts["For"].split(), parts["Holds"]


def measure(name, files):
    """(inputs, lines, lines hit, branches, branches hit), of those files together."""
    program = os.path.join(COVERED, name)
    with tempfile.TemporaryDirectory(prefix="posthouse-coverage-") as scratch:
        raw, data = os.path.join(scratch, "raw"), os.path.join(scratch, "data")
        inputs = [f for d in folders(name) for f in glob.glob(os.path.join(d, "*"))]
        done = subprocess.run([program, "-runs=0", "-timeout=60", *folders(name)],
                              env=dict(os.environ, LLVM_PROFILE_FILE=raw), capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit("%s failed:\n%s" % (name, done.stderr[-2000:]))
        subprocess.run(["llvm-profdata-14", "merge", "-sparse", raw, "-o", data], check=True)
        text = subprocess.run(["llvm-cov-14", "export", "-summary-only", "-instr-profile=" + data,
                               program], check=True, capture_output=True, text=True).stdout
    wanted = [os.path.realpath(os.path.join(ROOT, "src", f)) for f in files]
    found = [f["summary"] for f in json.loads(text)["data"][0]["files"]
             if os.path.realpath(f["filename"]) in wanted]
    if len(found) != len(wanted):
        sys.exit("%s: not all of its files are in the program: %s" % (name, " ".join(files)))
    return (len(inputs), *[sum(f[what][which] for f in found) for what in ("lines", "branches")
                           for which in ("count", "covered")])


def percent(part, whole):
    return "%.1f %%" % (100 * part / whole) if whole else "-"


TEXT = """# Fuzzing

Every parser and engine that takes bytes from outside, from another role or from the disk
has a libFuzzer target beside it, `src/*/NAME_fuzz.c`: %(n)d of them. A target does not only wait for
a crash: it says what must hold, and stops when it does not.

| command | what |
|---|---|
| `./test` | the kept inputs of each target, then %(long)d s for those that strangers or a crash speak to, %(short)d s for the others |
| `./test fuzz 600` | ten minutes a target |
| `./test fuzz NAME`, `./test fuzz 600 NAME` | those with NAME in their name |
| `./test coverage [NAME]` | measure, and write this document |

Built with clang 14, AddressSanitizer and UndefinedBehaviorSanitizer (`build/fuzz`).

- **Inputs.** `tests/corpus/NAME_fuzz/` has what failed once and small inputs made by hand; they
  run first, in every `./test`. `build/seeds` is made of `../shared/suites` where that is there:
  mails, addresses, dates, header fields, domains. `build/corpus` is what libFuzzer found
  interesting; it grows from run to run and may be deleted.
- **Structure.** Dialogues (SMTP, POP3, both sides) are mutated by the line: commands are inserted,
  dropped, repeated, moved, damaged, and bodies get false ends (`tests/fuzz_lines.h`). Log segments
  and everything else with a life are programs of steps: append, take, sync, power cut, damage
  with and without a right checksum (`tests/fuzz_steps.h`). Messages between roles are made from
  the permission table and a list of their fields (`tests/fuzz_ipc.h`).
- **Reading past the end.** Input is offered in blocks of exactly its length.
- **A failure** prints the input's name below /tmp. Repeat it with `build/fuzz/NAME_fuzz FILE`; once it is
  fixed, the file goes into `tests/corpus/NAME_fuzz/`.

## What is covered

Each target over its inputs, in the files that it is there for; measured by clang's source coverage.
What is missing is mostly what no input can reach: memory that ran out, a disk that failed, and the
half of a file that writes where the target only reads. The unit tests and the simulator have those.

| target | inputs | lines | branches | in |
|---|---|---|---|---|
%(rows)s

## What holds

%(holds)s
"""


def coverage(words):
    rows, holds = [], []
    for name in targets():
        path, files, what = said(name)
        if words and words[0] not in name:
            continue
        n, lines, hit, branches, taken = measure(name, files)
        row = "| `%s` | %d | %s | %s | %s |" % (name[:-5], n, percent(hit, lines),
                                               percent(taken, branches), " ".join(files))
        print(row, flush=True)
        rows.append(row)
        holds.append("- **%s** (`%s`): %s" % (name[:-5], path, what))
    if words:
        return
    os.makedirs(os.path.dirname(DOCUMENT), exist_ok=True)
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(TEXT % {"n": len(rows), "long": SECONDS_LONG, "short": SECONDS,
                           "rows": "\n".join(rows), "holds": "\n".join(holds)})
    print("wrote doc/FUZZING.md")
