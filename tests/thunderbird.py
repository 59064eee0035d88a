"""tests/thunderbird.py - drive the real Thunderbird, without a screen.

    with Thunderbird() as reader:
        reader.run("account", "127.0.0.1", 40143, "alice@alice.example", "secret", certificate)
        reader.run("messages", "INBOX")

It is asked over Marionette, which is on loopback: each message "LENGTH:JSON", a command
[0, id, name, parameters] and its reply [1, id, error, result]. What it can be asked for are the
functions of thunderbird.js, which run where Thunderbird's own windows do. The profile is a folder of
its own that is removed at the end; it looks for nothing beyond loopback. Ended by the pid that was
started.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile

from server import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
START_SECONDS = 300
ANSWER_SECONDS = 120
STOP_SECONDS = 60
# Beside those that Marionette sets itself: updates, telemetry and lists of others are off by then.
PREFERENCES = {
    "marionette.port": 0,                       # a free one; it writes which to MarionetteActivePort
    # Whatever is not on loopback ends at a port that nobody listens at, and names are not looked up.
    "network.proxy.type": 1,
    "network.proxy.socks": "127.0.0.1",
    "network.proxy.socks_port": 1,
    "network.proxy.socks_remote_dns": True,
    "network.proxy.no_proxies_on": "127.0.0.1, localhost",
    "network.dns.disablePrefetch": True,
    "app.update.enabled": False,
    "app.donation.eoy.version.viewed": 999,
    "extensions.systemAddon.update.url": "",
    "mail.inappnotifications.enabled": False,
    "mail.inappnotifications.url": "",
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "mailnews.auto_config_url": "",
    "mailnews.mx_service_url": "",
    "mail.provider.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True,
    "mailnews.database.global.indexer.enabled": False,
    "mail.chat.enabled": False,
    "calendar.timezone.useSystemTimezone": True,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "toolkit.telemetry.enabled": False,
    "app.normandy.enabled": False,
    # A notice of new mail wants a desktop to show it.
    "mail.biff.show_alert": False,
    "mail.biff.play_sound": False,
    # Read as soon as it is shown, and without asking what to do about a receipt.
    "mailnews.mark_message_read.auto": True,
    "mailnews.mark_message_read.delay": False,
}


class Marionette:
    """A connection of the protocol; context chrome from the beginning."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS)
        self.buffer, self.last = b"", 0
        self.hello = self.message()
        self.command("WebDriver:NewSession", {"strictFileInteractability": False})
        self.command("Marionette:SetContext", {"value": "chrome"})
        self.command("WebDriver:SetTimeouts", {"script": ANSWER_SECONDS * 1000})
        self.socket.settimeout(ANSWER_SECONDS * 2)

    def message(self):
        while b":" not in self.buffer:
            self.more()
        length, self.buffer = self.buffer.split(b":", 1)
        while len(self.buffer) < int(length):
            self.more()
        text, self.buffer = self.buffer[:int(length)], self.buffer[int(length):]
        return json.loads(text)

    def more(self):
        data = self.socket.recv(65536)
        if not data:
            raise AssertionError("Thunderbird hung up")
        self.buffer += data

    def command(self, name, parameters):
        self.last += 1
        text = json.dumps([0, self.last, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        kind, number, error, result = self.message()
        assert (kind, number) == (1, self.last), (kind, number, self.last)
        if error:
            raise AssertionError("%s: %s\n%s" % (name, error["message"], error.get("stacktrace", "")))
        return result


class Thunderbird:
    """thunderbird --headless, as a context."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="posthouse-thunderbird-")
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.end()

    def start(self):
        self.process = self.marionette = None
        self.profile = os.path.join(self.folder, "profile")
        os.mkdir(self.profile)
        with open(os.path.join(self.profile, "user.js"), "w") as f:
            for name, value in PREFERENCES.items():
                f.write("user_pref(%s, %s);\n" % (json.dumps(name), json.dumps(value)))
        with open(os.path.join(HERE, "thunderbird.js")) as f:
            self.script = f.read()
        # A home of its own, too: caches, and whatever looks for a desktop.
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS")
                       and not name.startswith("XDG_")}
        environment.update(HOME=self.folder, MOZ_LOG="IMAP:4,sync",
                           MOZ_LOG_FILE=os.path.join(self.folder, "imap"),
                           MOZ_CRASHREPORTER_DISABLE="1")
        with open(os.path.join(self.folder, "said"), "wb") as said:
            self.process = subprocess.Popen(
                ["thunderbird", "--headless", "--no-remote", "--marionette",
                 "--remote-allow-system-access", "--profile", self.profile],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment)
        self.marionette = Marionette(wait_for(self.port, START_SECONDS, "Thunderbird's port"))

    def port(self):
        if self.process.poll() is not None:
            raise AssertionError("Thunderbird ended with %s; it said:\n%s" % (self.process.returncode, self.said()))
        try:
            with open(os.path.join(self.profile, "MarionetteActivePort")) as f:
                return int(f.read() or 0)
        except FileNotFoundError:
            return 0

    def said(self):
        """What it wrote to stdout and stderr."""
        with open(os.path.join(self.folder, "said"), "rb") as f:
            return f.read().decode("utf-8", "replace")

    def lines(self):
        """(the connection, its folder, "C" or "S", the line) of what went over the wire, by its log."""
        try:
            with open(os.path.join(self.folder, "imap.moz_log"), errors="replace") as f:
                found = re.findall(r"/IMAP ([0-9a-f]+):[^:\n]*:([^:\n]+):(SendData|CreateNewLineFromSocket): (.*)",
                                   f.read())
        except FileNotFoundError:
            return []
        return [(connection, where, "C" if way == "SendData" else "S", words)
                for connection, where, way, words in found]

    def dialogue(self, last=60):
        """The end of it: for the words of a failure."""
        return "\n".join("%-12s %s: %s" % row[1:] for row in self.lines()[-last:])

    def idles(self, box):
        """How often the connection that has this folder open went to IDLE; 0 unless it is there now."""
        last = {connection: (where, words) for connection, where, way, words in self.lines()
                if way == "C" or words.startswith("+ ")}
        now = any(where == "S-" + box and words.startswith("+ ") for where, words in last.values())
        return now and sum(where == "S-" + box and words.startswith("+ ") for _, where, _, words in self.lines())

    def run(self, name, *words):
        """The result of this function of thunderbird.js."""
        script = """%s
            const [name, words, done] = arguments;
            (async () => tasks[name](...words))().then(
                value => done({ value: value ?? null }),
                error => done({ error: String(error) + "\\n" + (error?.stack ?? "") }));
            """ % self.script
        got = self.marionette.command("WebDriver:ExecuteAsyncScript", {
            "script": script, "args": [name, words], "sandbox": "system", "newSandbox": False})["value"]
        if "error" in got:
            raise AssertionError("%s%r: %s\n%s" % (name, words, got["error"], self.dialogue()))
        return got["value"]

    def stop(self):
        """As somebody closes it: it logs out, and writes what it knows of the folders."""
        self.marionette.command("Marionette:Quit", {"flags": ["eAttemptQuit"]})
        status = self.process.wait(STOP_SECONDS)
        assert status == 0, "Thunderbird ended with %s; it said:\n%s" % (status, self.said())

    def end(self):
        if self.marionette:
            self.marionette.socket.close()
        if self.process and self.process.poll() is None:
            self.process.kill()
        if self.process:
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
