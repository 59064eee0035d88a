"""verify names what is damaged in mailboxes, by file and place; repair brings back all
that can be. Each damage is done to a copy of one data folder with history (ripe.py):
verify finds it, repair, verify is clean, and a server serves every byte that was not
hit, under the UIDL that it had."""
import os
import subprocess

from ripe import POSTHOUSE, QUIET, Damaged, below, flip, repair, verify


class Mailboxes(Damaged):
    # ---- packs ----

    def test_pack_bit(self):
        pack = os.path.join(self.folder, "pack", "003.pack")
        flip(pack, 700)
        finding, = self.found("message-damaged", pack, 700)
        self.assertEqual(finding["address"], self.ripe.alice.address)
        self.assertTrue(finding["uid"] and finding["message"])
        self.served(lost=1)
        self.assertTrue(self.aside("-uid-%d" % finding["uid"]))

    def test_large_message_is_kept_as_far_as_it_can_be_read(self):
        pack = [p for p in below(self.folder, "/pack/") if os.path.getsize(p) > 200000][0]
        flip(pack, 200000)
        finding, = self.found("message-damaged", pack, 200000)
        self.served(lost=1)
        eml, = self.aside("-uid-%d.eml" % finding["uid"])
        self.assertIn(b"Subject: large\r\n", open(eml, "rb").read())

    def test_pack_is_missing(self):
        pack = os.path.join(self.folder, "pack", "005.pack")
        os.unlink(pack)
        self.assertEqual(len(self.found("file-missing", pack)), 4)
        self.served(lost=3)

    def test_pack_is_cut(self):
        pack = below(self.folder, "/pack/")[-1]
        os.truncate(pack, os.path.getsize(pack) - 10)
        self.found("message-damaged", pack, os.path.getsize(pack) - 1)
        self.served(lost=1)

    # ---- logs ----

    def test_base_bit(self):
        log, offset = self.place("has UID 1 ")
        flip(log, offset + 100)
        findings = self.found("log-damaged", log, offset + 100)
        hidden = len([f for f in findings if f["finding"] == "message-unnamed"])
        self.assertGreater(hidden, 10)
        self.served(moved=hidden)
        self.assertTrue(self.aside(os.path.basename(log)))

    def test_log_bit(self):
        """A delivery in a segment that later ones follow."""
        chain = self.place("follows segment", last=True)[0]
        log, offset = [(p, o) for p, o, said in self.ripe.log(self.data, self.ripe.alice)
                       if said.startswith("delivered") and p < chain][-1]
        first = [o for p, o, said in self.ripe.log(self.data, self.ripe.alice)
                 if p == log and said.startswith("delivered")][0]
        flip(log, first + 40)
        self.found("log-damaged", log, first + 40)
        findings = [f for f in verify(self.data)[1] if f["finding"] == "message-unnamed"]
        self.served(moved=len(findings))

    def test_head_record_of_the_newest_log(self):
        log, offset = self.place("begins with", last=True)
        flip(log, offset + 30)
        self.found("log-damaged", log, offset + 30)
        self.served()

    def test_head_block_of_the_newest_log(self):
        log = below(self.folder, ".log")[-1]
        flip(log, 10)
        flip(log, 2048 + 10)
        findings = self.found("head-damaged", log, 10)
        self.served(moved=len(findings) - 1)

    def test_log_of_the_chain_is_missing(self):
        log = below(self.folder, ".log")[-2]
        os.unlink(log)
        findings = self.found("file-missing", log)
        self.served(moved=len(findings) - 1)

    def test_log_lost_its_tail(self):
        """Cut where a record ends: only the packs tell. And within a record."""
        log, offset = self.place("delivered", last=True)
        for size in (offset, offset + 20):
            os.truncate(log, size)
            findings = verify(self.data)[1]
            self.assertEqual([f["finding"] for f in findings], ["message-unnamed"])
        out = self.served(moved=1)
        self.assertIn("1 come back", out)

    def test_all_logs_are_gone(self):
        for log in below(self.folder, ".log"):
            os.unlink(log)
        self.assertEqual(len(verify(self.data)[1]), len(self.before))
        self.served(moved=len(self.before))

    # ---- how it is done ----

    def test_dry_run_changes_nothing(self):
        flip(os.path.join(self.folder, "pack", "003.pack"), 700)
        before = {p: open(p, "rb").read() for p in below(self.data) if os.path.isfile(p)}
        status, out, _said = repair(self.data, "--dry-run")
        self.assertEqual(status, 0)
        self.assertIn("1 can't be read", out)
        self.assertEqual({p: open(p, "rb").read() for p in below(self.data) if os.path.isfile(p)}, before)

    def test_one_mailbox(self):
        flip(os.path.join(self.folder, "pack", "003.pack"), 700)
        self.assertEqual(verify(self.data, self.ripe.bob.address)[:2], (0, []))
        self.assertEqual(verify(self.data, self.ripe.alice.address)[0], 1)
        self.assertEqual(repair(self.data, self.ripe.alice.address)[0], 0)
        self.assertEqual(verify(self.data)[:2], (0, []))

    def test_repair_killed_at_any_point_is_run_again(self):
        """Killed as soon as there is one file more in aside/, then finished."""
        log, offset = self.place("has UID 1 ")
        flip(log, offset + 100)
        flip(os.path.join(self.folder, "pack", "009.pack"), 700)
        hidden = len([f for f in verify(self.data)[1] if f["finding"] == "message-unnamed"])
        for _ in range(8):
            want = len(below(os.path.join(self.data, "aside"))) + 2
            p = subprocess.Popen([POSTHOUSE, "repair", "--data", self.data], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 env=dict(QUIET, TMPDIR=self.ripe.folder))
            while p.poll() is None and len(below(os.path.join(self.data, "aside"))) < want:
                pass
            p.kill()
            p.wait()
        self.served(lost=1, moved=hidden)
