"""bench/mock_report.py - what bench/mock measured, as Markdown."""
import os

from mock_servers import SERVERS
from peers import ROOT
from report import DOCUMENT, Records, show, spread, table

BEGIN = "<!-- bench/mock writes from here -->"
END = "<!-- to here -->"


def bars(results):
    """(what, against, wanted, measured or None, met or None)"""
    records = Records(results["records"])

    def row(name, against, wanted, value, form, met):
        return name, against, wanted, show(value, form), None if value is None else met(value)

    def rate(work, peer):
        return records.ratio(records.of(work, "posthouse"), records.of(work, peer), "stored_per_s")

    def one(work, key, **also):
        return next((r[key] for r in records.records if r["work"] == work and
                     r["peer"] == "posthouse" and all(r.get(k) == v for k, v in also.items())), None)

    for work, peer, times in (("new", "maildev", 12), ("new", "aiosmtpd", 4), ("reuse", "maildev", 4)):
        name = "5 KB, 10 sessions, " + ("a new connection each" if work == "new" else
                                        "connections reused")
        yield row(name, SERVERS[peer].title, "%d x" % times, rate(work, peer), "%.1f x",
                  lambda v, t=times: v >= t)
    yield row("RSS with {:,} messages of 5 KB".format(one("memory", "messages") or 5000), "-",
              "at most 20 MB", one("memory", "rss_mb"), "%.1f MB", lambda v: v <= 20)
    for what in ("list", "common word", "some messages", "no message"):
        yield row("{:,} messages: {}".format(one("search", "messages") or 100000, "a page of the list"
                  if what == "list" else "a search that finds " + {
                      "common word": "all", "some messages": "some", "no message": "none"}[what]),
                  "-", "at most 50 ms", one("search", "ms", what=what), "%.1f ms", lambda v: v <= 50)
    yield row("from the reply to DATA to the event", "-", "at most 10 ms", one("events", "ms"),
              "%.1f ms", lambda v: v <= 10)
    yield row("from its start until it is ready", "-", "at most 50 ms", one("start", "ms"), "%.1f ms",
              lambda v: v <= 50)
    yield row("the program, stripped", "-", "at most 6 MB", one("size", "mb"), "%.1f MB",
              lambda v: v <= 6)


def bars_table(results):
    words = {None: "not measured", True: "**met**", False: "not met"}
    return table(("what", "against", "bar", "measured", ""),
                 [(*row[:4], words[row[4]]) for row in bars(results)])


def rates_table(records, work):
    rows = []
    for name, server in SERVERS.items():
        found = records.of(work, name)
        if found:
            rows.append((server.title, spread(found, "stored_per_s"), show(records.ratio(
                records.of(work, "posthouse"), found, "stored_per_s"), "%.1f") if name != "posthouse"
                else "", show(records.median(found, "cpu_ms"), "%.3f")))
    return table(("server", "stored/s", "Posthouse is x times this", "CPU ms a message"), rows)


def memory_table(records):
    rows = []
    for r in records.records:
        if r["work"] == "memory":
            rows.append((SERVERS[r["peer"]].title, "%.1f" % r["start_mb"], "%.1f" % r["rss_mb"]))
    return table(("server", "RSS MB at its start", "RSS MB with the messages"), rows)


def tables(results):
    records = Records(results["records"])
    seen = {r["work"] for r in records.records}
    parts = [bars_table(results), "Rates: the median of the ratios within each round; rounds: %d. The "
             "machine was busy for %.0f %% of the time, ours and others' work together.\n" % (
                 results["rounds"], results["busy"] * 100)]
    for work, words in (("new", "5 KB, 10 sessions, a new connection for each message"),
                        ("reuse", "5 KB, 10 sessions, connections reused")):
        if work in seen:
            parts += ["#### %s\n" % words, rates_table(records, work)]
    if "memory" in seen:
        parts += ["#### Memory\n", memory_table(records)]
    return "\n".join(parts)


def write_document(results):
    path = os.path.join(ROOT, DOCUMENT)
    with open(path) as f:
        text = f.read()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit("bench/mock: %s has lost its marks, \"%s\" and \"%s\"" % (DOCUMENT, BEGIN, END))
    servers = table(("server", "version"), [(SERVERS[n].title, v)
                                            for n, v in results["versions"].items()])
    with open(path, "w") as f:
        f.write("%s%s\n\nMeasured %s.\n\nMachine: %s.\n\n%s\n%s\n%s%s" % (
            before, BEGIN, results["when"], results["machine"], servers, tables(results), END, after))
    return DOCUMENT
