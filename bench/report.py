"""bench/report.py - medians, ratios and bars as Markdown; doc/PERFORMANCE.md."""
import os
import platform
import re
import statistics

from measure import CORES, read
from peers import PEERS, ROOT

DOCUMENT = "doc/PERFORMANCE.md"
NOTHING = {"cpu_ms": 0, "written": 0}   # of a role that there was not, when it was measured
ROLES = ("edge", "directory", "router", "store", "relay", "keeper")
BEGIN = "<!-- bench/compare writes from here -->"
END = "<!-- to here; all else is written by hand -->"


# ---- records ----

class Records:
    def __init__(self, records):
        self.records = records

    def of(self, work, peer, **also):
        """{round: record}"""
        return {r["round"]: r for r in self.records if r["work"] == work and r["peer"] == peer
                and all(r.get(k) == v for k, v in also.items())}

    def median(self, found, key):
        values = [r[key] for r in found.values() if r.get(key) is not None]
        return statistics.median(values) if values else None

    def ratio(self, above, below, key):
        """The median of the ratios within each round, or None."""
        values = [above[r][key] / below[r][key] for r in above
                  if r in below and above[r].get(key) is not None and below[r].get(key)]
        return statistics.median(values) if values else None


def show(value, format="%.0f"):
    return "-" if value is None else format % value


# ---- bars ----

def bars(records):
    """(work, against, wanted, measured or None, met or None)"""
    def rate(work, peer):
        return records.ratio(records.of(work, "posthouse"), records.of(work, peer),
                             "delivered_per_s")

    def row(name, against, wanted, value, format, met):
        return name, against, wanted, show(value, format), None if value is None else met(value)

    for work, name, times, share in (
            ("new", "10 KiB, 50 sessions, a new connection each", 12, 0.60),
            ("reuse", "the same, connections reused", 20, 0.45)):
        yield row(name, "Postfix + Dovecot", "%d x" % times, rate(work, "postfix-dovecot"),
                  "%.1f x", lambda v, t=times: v >= t)
        value = rate(work, "floor")
        yield row(name, "the floor", "%.0f %%" % (share * 100), value and value * 100, "%.0f %%",
                  lambda v, s=share: v >= s * 100)
    yield row("100 KiB, 10 sessions", "Postfix + Dovecot", "10 x",
              rate("large", "postfix-dovecot"), "%.1f x", lambda v: v >= 10)
    for work, name in (("new", "new connections"), ("reuse", "connections reused")):
        yield row("CPU of a 10 KiB message, " + name, "Postfix + Dovecot", "1/25",
                  records.ratio(records.of(work, "postfix-dovecot"), records.of(work, "posthouse"),
                                "cpu_ms"), "1/%.1f", lambda v: v >= 25)
    for accounts, times in ((100, 1.2), (10000, 2)):
        found = records.of("accounts", "posthouse", accounts=accounts)
        value = records.median(found, "device")
        if value is None:
            value = records.median(found, "written")
        yield row("device bytes of a 10 KiB message, %d accounts" % accounts, "its size",
                  "at most %g x" % times, value and value / 10240, "%.2f x",
                  lambda v, t=times: v <= t)
    for key, name in (("pss_silent_mb", "silent"), ("pss_sending_mb", "sending")):
        yield row("PSS, 200 sessions, " + name, "Postfix + Dovecot", "1/6",
                  records.ratio(records.of("memory", "postfix-dovecot"),
                                records.of("memory", "posthouse"), key), "1/%.1f",
                  lambda v: v >= 6)
    for work, name in (("relay", "another host"), ("relay-on", "another Posthouse")):
        yield row("10 KiB for %s, 20 sessions" % name, "Postfix", "8 x", rate(work, "postfix"),
                  "%.1f x", lambda v: v >= 8)
        yield row("CPU of a message for " + name, "Postfix", "1/12",
                  records.ratio(records.of(work, "postfix"), records.of(work, "posthouse"),
                                "cpu_ms"), "1/%.1f", lambda v: v >= 12)
    yield from deferred_bars(records, row)
    for work, many, few, name, against in (
            ("accounts", {"accounts": 10000}, {"accounts": 10}, "10,000 accounts", "10 accounts"),
            ("mailboxes", {"held": 100000}, {"held": 100}, "mailboxes of 100,000",
             "mailboxes of 100")):
        value = records.ratio(records.of(work, "posthouse", **many),
                              records.of(work, "posthouse", **few), "cpu_ms")
        yield row("CPU of a message, " + name, against, "at most + 25 %",
                  value and (value - 1) * 100, "%+.0f %%", lambda v: v <= 25)


def deferred_bars(records, row):
    counts = [r["deferred"] for r in records.records if r["work"] == "deferred"]
    many = max(counts, default=100000)
    name = "{:,} deferred messages".format(many)
    found = records.of("deferred", "posthouse", deferred=many)
    m = lambda key: records.median(found, key)
    yield row("start with %s, queue read" % name, "-", "under 2 s", m("loaded_s"), "%.2f s",
              lambda v: v < 2)
    for key, words in (("each_bytes", ""), ("each_again_bytes", ", after a restart")):
        yield row("the relay's memory for each of %s%s" % (name, words), "-", "under 1,024 bytes",
                  m(key), "%.0f bytes", lambda v: v < 1024)
    value = records.ratio(found, records.of("deferred", "posthouse", deferred=0),
                          "delivered_per_s")
    yield row("10 KiB for a living host, with " + name, "without", "at most - 10 %",
              value and (value - 1) * 100, "%+.0f %%", lambda v: v >= -10)


# ---- tables ----

def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(r) + " |" for r in rows]) + "\n"


def bars_table(records):
    words = {None: "not measured", True: "**met**", False: "not met"}
    return table(("work", "against", "at least", "measured", ""),
                 [(*row[:4], words[row[4]]) for row in bars(records)])


def spread(found, key):
    """Median, and from where to where."""
    values = [r[key] for r in found.values() if r.get(key) is not None]
    if not values:
        return "-"
    return "%.0f (%.0f-%.0f)" % (statistics.median(values), min(values), max(values))


def delivery_table(records, work):
    rows = []
    posthouse = records.of(work, "posthouse")
    for name, peer in PEERS.items():
        found = records.of(work, name)
        if not found:
            continue
        m = lambda key: records.median(found, key)
        ratio = records.ratio(posthouse, found, "delivered_per_s")
        rows.append((peer.title, spread(found, "accepted_per_s"), spread(found, "delivered_per_s"),
                     "" if name == "posthouse" else show(ratio, "%.2f"), show(m("cpu_ms"), "%.3f"),
                     show(m("device") and m("device") / 1e3, "%.1f"), "%.1f" % (m("written") / 1e3),
                     show(m("flushes"), "%.3f"), "%.1f / %.1f" % (m("p50_ms"), m("p99_ms")),
                     "%.0f" % m("pss_mb"), "%.3f" % m("generator_cpu_ms"),
                     "%.0f %%" % (max(r["other_cpu"] for r in found.values()) * 100)))
    return table(("server", "accepted/s", "delivered/s", "Posthouse is x times this", "CPU ms",
                  "KB to disk", "KB written", "flushes", "p50 / p99 ms", "PSS MB",
                  "generator CPU ms", "other CPU, worst"), rows)


def steady_table(records, work, key):
    rows = []
    for value in sorted({r[key] for r in records.records if r["work"] == work}):
        found = records.of(work, "posthouse", **{key: value})
        m = lambda k: records.median(found, k)
        rows.append(("{:,}".format(value), spread(found, "accepted_per_s"), "%.3f" % m("cpu_ms"),
                     show(m("device") and m("device") / 1e3, "%.1f"), "%.1f" % (m("written") / 1e3),
                     show(m("flushes"), "%.3f"), "%.0f" % m("pss_mb"),
                     "%.0f %%" % (max(r["other_cpu"] for r in found.values()) * 100)))
    return table(({"accounts": "accounts", "held": "messages in each of 2 mailboxes"}[key],
                  "accepted/s", "CPU ms", "KB to disk", "KB written", "flushes", "PSS MB",
                  "other CPU, worst"), rows)


def roles_table(records):
    """Of Posthouse: which process uses what of a message."""
    rows = []
    for r, name in (({"work": "new"}, "10 KiB, new connections"),
                    ({"work": "reuse"}, "10 KiB, connections reused"),
                    ({"work": "large"}, "100 KiB, connections reused"),
                    ({"work": "relay"}, "10 KiB for another host"),
                    ({"work": "relay-on"}, "10 KiB for another Posthouse"),
                    ({"work": "accounts", "accounts": 10000}, "10 KiB, 10,000 accounts")):
        found = [x["roles"] for x in records.of(peer="posthouse", **r).values() if "roles" in x]
        if found:
            rows.append((name, *("%.3f ms, %.1f KB" % (
                statistics.median(f.get(role, NOTHING)["cpu_ms"] for f in found),
                statistics.median(f.get(role, NOTHING)["written"] for f in found) / 1e3)
                for role in ROLES)))
    return table(("CPU and KB written of a message", *ROLES), rows)


def deferred_table(records):
    rows = []
    for count in sorted({r["deferred"] for r in records.records if r["work"] == "deferred"}):
        found = records.of("deferred", "posthouse", deferred=count)
        m = lambda key: records.median(found, key)
        rows.append(("{:,}".format(count), show(m("greeted_s"), "%.2f"),
                     show(m("loaded_s"), "%.2f"), show(m("relay_mb"), "%.1f"),
                     show(m("each_bytes")), show(m("each_again_bytes")),
                     spread(found, "delivered_per_s"), "%.3f" % m("cpu_ms"),
                     "%.0f %%" % (max(r["other_cpu"] for r in found.values()) * 100)))
    return table(("deferred", "s until it greets", "s until the queue is read",
                  "relay MB after a restart", "bytes each", "bytes each, after a restart",
                  "delivered/s to a living host", "CPU ms", "other CPU, worst"), rows)


def memory_table(records):
    rows = []
    for name, peer in PEERS.items():
        found = records.of("memory", name)
        if found:
            rows.append((peer.title, *(show(records.median(found, k)) for k in (
                "pss_start_mb", "pss_silent_mb", "greeted", "pss_sending_mb"))))
    return table(("server", "PSS MB at start", "PSS MB, 200 silent sessions", "of them greeted",
                  "PSS MB, highest while 200 send"), rows)


def tables(results):
    records = Records(results["records"])
    seen = {r["work"] for r in records.records}
    rounds = 1 + max((r["round"] for r in records.records), default=0)
    parts = ["### Bars\n", bars_table(records),
             "Rates and CPU: the median of the ratios within each round; rounds: %d.\n" % rounds]
    for work, words in (("new", "10 KiB, 50 sessions, a new connection for each message"),
                        ("reuse", "10 KiB, 50 sessions, connections reused"),
                        ("large", "100 KiB, 10 sessions, connections reused"),
                        ("relay", "10 KiB for another host (smtp-sink), 20 sessions"),
                        ("relay-on", "10 KiB for another host (Posthouse), 20 sessions")):
        if work in seen:
            parts += ["### %s\n" % words, delivery_table(records, work)]
    if any("roles" in r and r["work"] != "deferred" for r in records.records):
        parts += ["### Posthouse, role by role\n", roles_table(records)]
    if "accounts" in seen:
        parts += ["### Posthouse, few and many accounts\n",
                  steady_table(records, "accounts", "accounts")]
    if "mailboxes" in seen:
        parts += ["### Posthouse, small and large mailboxes\n",
                  steady_table(records, "mailboxes", "held")]
    if "deferred" in seen:
        parts += ["### Posthouse, mail deferred for 1,000 dead hosts\n", deferred_table(records)]
    if "memory" in seen:
        parts += ["### Memory\n", memory_table(records)]
    return "\n".join(parts)


# ---- the document ----

def machine(device):
    cpu = re.search(r"model name\s*: (.*)", read("/proc/cpuinfo"))
    memory = int(re.search(r"MemTotal:\s*(\d+)", read("/proc/meminfo"))[1]) / 2 ** 20
    system = re.search(r'PRETTY_NAME="(.*)"', read("/etc/os-release"))
    mounts = [l.split() for l in read("/proc/mounts").splitlines()]
    kind = next((m[2] for m in mounts if m[0].endswith("/" + device.name)), "?")
    cache = read("/sys/block/%s/queue/write_cache" % device.name).strip()
    return "%s, %d cores, %.0f GiB; %s, Linux %s; %s on %s (cache: %s)" % (
        cpu[1] if cpu else platform.machine(), CORES, memory, system[1] if system else "?",
        platform.release(), kind, device.name, cache or "?")


def measured_part(results):
    lines = ["Measured %s.\n" % results["when"], "Machine: %s.\n" % results["machine"],
             table(("server", "version", "on disk"),
                   [(PEERS[n].title, v, PEERS[n].durable)
                    for n, v in results["versions"].items()])]
    return "\n".join(lines) + "\n" + tables(results)


def write_document(results):
    path = os.path.join(ROOT, DOCUMENT)
    with open(path) as f:
        text = f.read()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit("bench/compare: %s has lost its marks, \"%s\" and \"%s\""
                         % (DOCUMENT, BEGIN, END))
    with open(path, "w") as f:
        f.write("%s%s\n\n%s\n%s%s" % (before, BEGIN, measured_part(results), END, after))
    return DOCUMENT
