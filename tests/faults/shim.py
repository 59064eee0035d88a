"""tests/faults/shim.py - the test's side of shim.c: a server whose disk fails or
dawdles, and whose clock jumps, by the rules of this test.

    with Shimmed() as host:
        rule = host.rule("store", FDATASYNC | SYNCFS, errno.EIO)
        wait_for(lambda: rule.hits > 0)
        rule.left = 0
        host.power_cut()                # kill -9; what a failed sync lost is gone
        host.start()

The release is used: sanitizers have to be the first library themselves.
"""
import ctypes
import mmap
import os
import shutil
import subprocess
import tempfile

from server import Demo, free_ports

RULES, LOST, HEADS, BLOCK = 8, 4096, 256, 4096          # the same in shim.c
FDATASYNC, FSYNC, SYNCFS = 1, 2, 4
ANY_SYNC = FDATASYNC | FSYNC | SYNCFS


class Rule(ctypes.Structure):
    _fields_ = [("role", ctypes.c_char * 16), ("calls", ctypes.c_uint32),
                ("error", ctypes.c_int32), ("left", ctypes.c_int32), ("hits", ctypes.c_uint32),
                ("wait_ms", ctypes.c_uint32), ("unused", ctypes.c_uint32)]


class Lost(ctypes.Structure):
    _fields_ = [("inode", ctypes.c_uint64), ("offset", ctypes.c_uint64), ("len", ctypes.c_uint32),
                ("healed", ctypes.c_uint32), ("before", ctypes.c_ubyte * BLOCK)]


class Head(ctypes.Structure):
    _fields_ = [("inode", ctypes.c_uint64), ("bytes", ctypes.c_ubyte * BLOCK)]


class Page(ctypes.Structure):
    _fields_ = [("wall_us", ctypes.c_int64), ("lock", ctypes.c_uint32), ("n_lost", ctypes.c_uint32),
                ("rules", Rule * RULES), ("heads", Head * HEADS), ("lost", Lost * LOST)]


class Shimmed(Demo):
    def __init__(self, *options, **more):
        self.folder = tempfile.mkdtemp(prefix="posthouse-shim-")
        library = os.path.join(self.folder, "shim.so")
        subprocess.run([os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-o", library,
                        os.path.join(os.path.dirname(os.path.abspath(__file__)), "shim.c"), "-ldl"],
                       check=True)
        path = os.path.join(self.folder, "page")
        with open(path, "w+b") as f:
            f.truncate(ctypes.sizeof(Page))
            self.map = mmap.mmap(f.fileno(), ctypes.sizeof(Page))
        self.page = Page.from_buffer(self.map)
        super().__init__("--port-base", str(free_ports()), *options,
                         program=os.environ["POSTHOUSE_RELEASE"],
                         environment={"LD_PRELOAD": library, "POSTHOUSE_FAULTS": path}, **more)

    def __exit__(self, *error):
        super().__exit__(*error)
        shutil.rmtree(self.folder, ignore_errors=True)

    def rule(self, role, calls, error, times=-1, wait_ms=0):
        """Calls of a role fail with error (0: none), each after a while; so many times."""
        rule = next(r for r in self.page.rules if r.calls == 0)
        rule.role, rule.error, rule.wait_ms, rule.calls = role.encode(), error, wait_ms, calls
        rule.left = times
        return rule

    def jump(self, seconds):
        """The wall clock of all its processes."""
        self.page.wall_us += seconds * 1000000

    def power_cut(self):
        """Returns how many blocks were lost."""
        self.kill()
        lost = [l for l in self.page.lost[:min(self.page.n_lost, LOST)] if not l.healed]
        assert self.page.n_lost <= LOST, "more was lost than the shim keeps"
        inodes = {}
        for folder, _folders, names in os.walk(self.data):
            for name in names:
                path = os.path.join(folder, name)
                inodes[os.stat(path).st_ino] = path
        for l in reversed(lost):        # what was there first
            if l.inode not in inodes or l.offset >= os.path.getsize(inodes[l.inode]):
                continue                # unlinked since, or another file now
            with open(inodes[l.inode], "r+b") as f:
                f.seek(l.offset)
                f.write(bytes(l.before[:l.len]))
        self.page.n_lost = 0
        for rule in self.page.rules:
            rule.left = rule.calls = 0
        return len(lost)
