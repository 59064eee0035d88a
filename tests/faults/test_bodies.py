"""More unfinished bodies than an edge keeps in memory: new mail waits outside
(452), those that are open go to their spool files and are all taken."""
import os
import resource
import socket
import unittest

from server import Demo, wait_for

SESSIONS = 900
PART = b"Subject: part\r\n\r\n" + b"0123456789abcdef" * 4 * 3000 + b"\r\n"     # 192 KB
MEMORY_MAX = 400 * 1024 * 1024


def talk(client, line):
    client.sendall(line)
    return client.recv(4096)


def begin(host):
    client = socket.create_connection(host.smtp)
    client.recv(4096)
    talk(client, b"HELO client.example\r\n")
    reply = talk(client, b"MAIL FROM:<x@client.example>\r\n")
    if reply.startswith(b"250"):
        talk(client, b"RCPT TO:<alice@alice.example>\r\n")
        assert talk(client, b"DATA\r\n").startswith(b"354")
    return client, reply


class Bodies(unittest.TestCase):
    def open_all(self, host):
        """All say DATA first, so that none is put off; then all send."""
        clients = [begin(host)[0] for _ in range(SESSIONS)]
        for client in clients:
            client.sendall(PART)
        return clients

    def memory(self, host):
        with open("/proc/%d/status" % host.roles()["edge"][0]) as status:
            return int(next(l for l in status if l.startswith("VmHWM")).split()[1]) * 1024

    def test_memory_is_bounded(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(
            resource.RLIMIT_NOFILE)[1]))
        with Demo("--set", "edges=1", "--set", "limit.sessions_per_address=2000",
                  program=os.environ["POSTHOUSE_RELEASE"]) as host:
            clients = self.open_all(host)
            spool = os.path.join(host.data, "journal", "spool")
            wait_for(lambda: len(os.listdir(spool)) > SESSIONS // 10, what="spool files")
            early = len(os.listdir(spool))
            late, reply = begin(host)
            self.assertTrue(reply.startswith((b"250 ", b"452 4.3.1 ")))
            late.close()
            for client in clients:
                client.sendall(PART)
            for client in clients:
                client.sendall(b".\r\n")
                self.assertTrue(client.recv(4096).startswith(b"250 "))
                client.close()
            rss = self.memory(host)
            self.assertLess(rss, MEMORY_MAX)
            print("# %d bodies, %d in files before a frame was full, at most %d MiB" %
                  (len(clients), early, rss >> 20))


if __name__ == "__main__":
    unittest.main()
