"""A small file system of the server's own, on a loop device: full, remounted
read-only in the middle and back, and with a block layer below that fails. What got
its 250 is there, once, and the server serves again.

The image lies, sparse, on a tmpfs: when that is full, writes of the loop device fail,
and with them fsync in the file system above: a failing disk that needs no device
mapper."""
import os
import subprocess
import tempfile
import unittest

from server import ROLES, Demo, free_ports, wait_for
from traffic import Traffic, open_box

MIB = 1 << 20


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True, text=True)


def fill(path):
    """Take all the space that is left."""
    with open(path, "wb", buffering=0) as f:
        for piece in (MIB, 4096):
            try:
                while f.write(bytes(piece)) == piece:
                    pass
            except OSError:
                pass


def why_not():
    """Why no loop device can be mounted here, or None."""
    if os.geteuid() != 0:
        return "needs root to mount a small file system"
    with tempfile.TemporaryDirectory() as folder:
        disk = Disk(folder, 32 * MIB)
        try:
            return disk.attach()
        finally:
            disk.detach()


class Disk:
    """FOLDER/below: tmpfs with the image; FOLDER/mount: what the image holds."""

    def __init__(self, folder, size):
        self.size = size
        self.below, self.mount = os.path.join(folder, "below"), os.path.join(folder, "mount")
        self.image = os.path.join(self.below, "image")
        self.ballast = os.path.join(self.below, "ballast")
        os.mkdir(self.below)
        os.mkdir(self.mount)

    def attach(self):
        done = mount("-t", "tmpfs", "-o", "size=%d" % (self.size + 16 * MIB), "tmpfs", self.below)
        if done.returncode != 0:
            return "no tmpfs: " + done.stderr.strip()
        with open(self.image, "wb") as f:
            f.truncate(self.size)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", self.image], check=True)
        return self.attach_image()

    def attach_image(self):
        done = mount("-o", "loop,errors=remount-ro", self.image, self.mount)
        return "no loop device: " + done.stderr.strip() if done.returncode != 0 else None

    def detach_image(self):
        subprocess.run(["umount", self.mount], check=False, capture_output=True)

    def detach(self):
        self.detach_image()
        subprocess.run(["umount", self.below], check=False, capture_output=True)

    def check(self):
        """As after a power cut: journal replayed, no page cache."""
        self.detach_image()
        done = subprocess.run(["e2fsck", "-p", "-f", self.image], capture_output=True, text=True)
        assert done.returncode <= 2, done
        why = self.attach_image()
        assert why is None, why

    def damage(self):
        """Let ext4 believe that it found an error: it turns read-only."""
        device = subprocess.run(["findmnt", "-no", "SOURCE", self.mount], capture_output=True,
                                text=True, check=True).stdout.strip()
        with open("/sys/fs/ext4/%s/trigger_fs_error" % os.path.basename(device), "w") as f:
            f.write("by a test")

    def fill_below(self):
        """From now on the block layer has no place for what is new."""
        fill(self.ballast)


REASON = why_not()
WORDS = ("--set", "journal.segment=4M", "--set", "edges=1", "--set", "stores=1")
BODY = "".join("%s\r\n" % os.urandom(36).hex() for _ in range(2000))


@unittest.skipIf(REASON, REASON)
class SmallDisk(unittest.TestCase):
    def setUp(self):
        folder = tempfile.mkdtemp(prefix="posthouse-disk-")
        self.addCleanup(subprocess.run, ["rm", "-rf", "--one-file-system", folder])
        self.disk = Disk(folder, 192 * MIB)
        self.addCleanup(self.disk.detach)
        self.assertIsNone(self.disk.attach())
        self.host = Demo("--port-base", str(free_ports()), "--set", "journal.size=64M", *WORDS,
                         data=os.path.join(self.disk.mount, "data"),
                         program=os.environ["POSTHOUSE_RELEASE"])
        self.host.__enter__()
        self.addCleanup(self.end)

    def end(self):
        if self.host.process.poll() is None:
            self.host.kill()

    def serves(self):
        self.assertEqual(sorted(self.host.roles()), ROLES)
        wait_for(lambda: self.host.send("after")[0] == 250, seconds=60, what="taking mail again")
        wait_for(lambda: open_box(self.host, None) and self.host.count() == 1, seconds=60)
        self.host.stop()

    def test_full(self):
        # More than goes in before the disk is full and that is seen.
        with Traffic(self.host, "full", 800, body=BODY) as traffic:
            traffic.wait(30)
            ballast = os.path.join(self.disk.mount, "ballast")
            before = traffic.vain()
            fill(ballast)
            wait_for(lambda: traffic.vain() > before + 8, 120, "refusals")
            os.unlink(ballast)
        traffic.check(self)
        self.serves()

    def test_read_only_and_back(self):
        """As the kernel does it when it finds a file system damaged. Reading goes on."""
        self.assertEqual(self.host.send("early")[0], 250)
        wait_for(lambda: self.host.count() == 1, what="a message to read")
        roles = self.host.roles()
        with Traffic(self.host, "ro", 120, body=BODY, account=self.host.bob) as traffic:
            traffic.wait(30)
            before = traffic.vain()
            self.disk.damage()
            wait_for(lambda: traffic.vain() > before + 8, 120, "refusals")
            self.assertEqual(self.host.count(), 1)
            self.assertEqual(self.host.roles(), roles)
            self.host.kill()
            self.disk.check()
            self.host.start()
        traffic.check(self, refused_may_come=True)
        self.assertEqual(self.host.count(), 1)
        box = self.host.box()
        box.dele(1)
        box.quit()
        self.serves()

    def test_failing_block_layer(self):
        """fsync fails with EIO; what the page cache shows is gone after the restart."""
        # More than goes into what the journal has already.
        with Traffic(self.host, "eio", 800, body=BODY) as traffic:
            traffic.wait(60)
            before = traffic.vain()
            self.disk.fill_below()
            wait_for(lambda: traffic.vain() > before + 8, 120, "refusals")
            self.host.kill()
            os.unlink(self.disk.ballast)
            self.disk.check()
            self.host.start()
        traffic.check(self, refused_may_come=True)
        self.serves()


if __name__ == "__main__":
    unittest.main()
