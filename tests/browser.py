"""Headless Chromium with one page from a file, driven over a pipe by the DevTools protocol."""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--remote-debugging-pipe",
    "--window-size=1100,900",
]
PATIENCE = 120  # seconds for one answer
# Chromium reads commands from file 3 and writes answers to file 4, each ended by a zero.
START = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"


def installed():
    """The browser's path, None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A context: `with Browser(profile) as browser`. profile: an empty folder for what Chromium writes."""

    def __init__(self, profile):
        read, self.commands = os.pipe()
        self.answers, write = os.pipe()
        command = [sys.executable, "-c", START, str(read), str(write), installed(), *OPTIONS, f"--user-data-dir={profile}"]
        self.process = subprocess.Popen(command, pass_fds=(read, write), stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(read)
        os.close(write)
        self.number, self.session, self.rest = 0, None, b""

    def __enter__(self):
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self.call("Page.enable")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)  # the group that is this browser's own
        self.process.wait()
        os.close(self.commands)
        os.close(self.answers)

    def open(self, path):
        self.call("Page.navigate", url=path.resolve().as_uri())
        while self._message().get("method") != "Page.loadEventFired":
            pass

    def call(self, method, **settings):
        self.number += 1
        command = {"id": self.number, "method": method, "params": settings}
        if self.session:
            command["sessionId"] = self.session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while (message := self._message()).get("id") != self.number:
            pass
        assert "error" not in message, message
        return message["result"]

    def evaluate(self, code):
        """The value of JavaScript, a promise's when it is fulfilled; what it throws as a string."""
        found = self.call("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            return found["exceptionDetails"]["exception"]["description"].splitlines()[0]
        return found["result"].get("value")

    def choose_file(self, selector, path):
        """Gives a file to a field of the page, as a user does who chooses it."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        field = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=field, files=[str(path)])

    def _message(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self.rest:
            assert select.select([self.answers], [], [], max(0, end - time.monotonic()))[0], "the browser doesn't answer"
            more = os.read(self.answers, 1 << 20)
            assert more, "the browser ended"
            self.rest += more
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)
