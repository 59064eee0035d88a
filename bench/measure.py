"""bench/measure.py - what a server uses: CPU, memory, disk; and when mail arrives.

Everything here only reads /proc and /sys, but for the control group that a
server is started in, so that processes which have ended are counted too.
"""
import ctypes
import os
import select
import signal
import struct
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")
CORES = len(os.sched_getaffinity(0))


def read(path):
    """The text of a small file; "" when it, or its process, is gone."""
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def cgroups():
    """Where control groups (version 2) can be made, or None."""
    for line in read("/proc/mounts").splitlines():
        _, at, kind, options = line.split()[:4]
        if kind == "cgroup2" and "rw" in options.split(",") and os.access(at, os.W_OK):
            return at
    return None


def kill(pid, deadline):
    """And wait for its end."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(process, signal.SIGKILL)
        select.select([process], [], [], max(deadline - time.monotonic(), 0))
    except ProcessLookupError:
        pass
    finally:
        os.close(process)


class Group:
    """The processes of one server: a cgroup of its own, or, where none can be made,
    the process that was started and all that came from it."""

    def __init__(self, name):
        self.first = None               # process
        self.path = None
        try:
            if cgroups():
                path = "%s/posthouse-compare-%d-%s" % (cgroups(), os.getpid(), name)
                os.mkdir(path)
                self.path = path
        except OSError:
            pass

    def enter(self):
        """Called in the child, before it becomes the server."""
        if self.path:
            with open(self.path + "/cgroup.procs", "w") as f:
                f.write(str(os.getpid()))

    def pids(self):
        if self.path:
            return [int(p) for p in read(self.path + "/cgroup.procs").split()]
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            stat = read("/proc/%s/stat" % pid).rpartition(")")[2].split()
            if stat:
                parents.setdefault(int(stat[1]), []).append(int(pid))
        found = [self.first] if self.first else []
        for pid in found:
            found += parents.get(pid, [])
        return [p for p in found if os.path.exists("/proc/%d" % p)]

    def cpu_s(self):
        if self.path:
            words = read(self.path + "/cpu.stat").split()
            return int(words[words.index("usage_usec") + 1]) / 1e6
        # With its ended children, once it has waited for them.
        stats = (read("/proc/%d/stat" % p).rpartition(")")[2].split() for p in self.pids())
        return sum(sum(map(int, s[11:15])) for s in stats if s) / TICKS

    def _sum(self, file, key, unit):
        total = 0
        for pid in self.pids():
            for line in read("/proc/%d/%s" % (pid, file)).splitlines():
                if line.startswith(key):
                    total += int(line.split()[1]) * unit
        return total

    def pss_mb(self):
        """Memory, what is shared counted once."""
        return self._sum("smaps_rollup", "Pss:", 1024) / 1e6

    def written(self):
        """Bytes that its processes made dirty, ended children included."""
        return self._sum("io", "write_bytes:", 1)

    def end(self):
        """Nothing of it lives when this returns."""
        deadline = time.monotonic() + 10
        while self.pids() and time.monotonic() < deadline:
            for pid in self.pids():
                kill(pid, deadline)
        if self.path:
            self._await_empty(deadline)
            try:
                os.rmdir(self.path)
            except OSError:
                print("%s is left behind" % self.path, file=sys.stderr)

    def _await_empty(self, deadline):
        """The kernel says when the last process was buried."""
        with open(self.path + "/cgroup.events") as events:
            watch = select.poll()
            watch.register(events, select.POLLPRI)
            while "populated 1" in events.read() and time.monotonic() < deadline:
                watch.poll(1000 * max(deadline - time.monotonic(), 0))
                events.seek(0)


class Device:
    """The disk below a folder: the whole machine's use of it."""

    def __init__(self, folder):
        number = os.stat(folder).st_dev
        at = "/sys/dev/block/%d:%d" % (os.major(number), os.minor(number))
        if os.path.exists(at + "/partition"):
            at = os.path.realpath(at + "/..")    # a partition counts no flushes
        self.path = at + "/stat"
        self.known = bool(read(self.path))
        self.name = os.path.basename(os.path.realpath(at))

    def used(self):
        """(bytes written, flushes) since the machine started."""
        fields = [int(x) for x in read(self.path).split()]
        return (fields[6] * 512, fields[15]) if len(fields) > 15 else (0, 0)


def busy_s():
    """CPU seconds that the whole machine has used."""
    fields = [int(x) for x in read("/proc/stat").split("\n", 1)[0].split()[1:9]]
    return sum(fields[i] for i in (0, 1, 2, 5, 6)) / TICKS


def wait_quiet(seconds):
    """Wait until the machine does little, not longer than so; the share that is busy."""
    deadline = time.monotonic() + seconds
    while True:
        before, at = busy_s(), time.monotonic()
        time.sleep(0.25)
        share = (busy_s() - before) / (time.monotonic() - at) / CORES
        if share < 0.1 or time.monotonic() > deadline:
            return share


def settle(group, seconds=10):
    """Wait until a server has nothing left to do: a checkpoint, its queue's files."""
    deadline = time.monotonic() + seconds
    still = 0
    used = group.cpu_s()
    # Longer than a second, since what is left may wait for a timer of that length.
    while still < 5 and time.monotonic() < deadline:
        time.sleep(0.25)
        now = group.cpu_s()
        still = still + 1 if now - used < 0.01 else 0
        used = now


class Arrivals:
    """Counts files that appear in some folders, by inotify."""

    IN_MOVED_TO, IN_CREATE, IN_Q_OVERFLOW = 0x80, 0x100, 0x4000

    def __init__(self, folders):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        self.count, self.last, self.overflow = 0, 0.0, False
        for folder in folders:
            if libc.inotify_add_watch(self.fd, os.fsencode(folder),
                                      self.IN_MOVED_TO | self.IN_CREATE) < 0:
                raise OSError(ctypes.get_errno(), "inotify: " + folder)

    def wait(self, seconds):
        """Count what comes within so long; True when something came."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        data = os.read(self.fd, 1 << 18)
        self.last = time.monotonic()
        at = 0
        while at < len(data):
            _, mask, _, length = struct.unpack_from("iIII", data, at)
            self.count += 0 if mask & self.IN_Q_OVERFLOW else 1
            self.overflow |= bool(mask & self.IN_Q_OVERFLOW)
            at += 16 + length
        return True

    def close(self):
        os.close(self.fd)
