"""A ``treadle lab`` of its own, as a person starts it, and requests to it with any headers."""

import http.client
import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Answer:
    """A status, headers by lower-case names, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class RunningLab:
    """The process, its address, and the cookie of whoever opened that."""

    def __init__(self):
        command = [sys.executable, "-m", "treadle", "lab", "--port", "0", "--no-browser"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[1]
        self.base = self.address.partition("/?")[0]
        self.port = int(self.base.rpartition(":")[2])
        self.cookie = ""

    def open(self):
        """Use up the token, as the browser does that the address is opened in."""
        answer = self.request("GET", self.address.removeprefix(self.base))
        assert (answer.status, answer.headers["location"]) == (303, "/")
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def request(self, method, path, body=None, **headers):
        """Send exactly these headers; None leaves one of the usual ones out."""
        usual = {"host": f"127.0.0.1:{self.port}", "cookie": self.cookie or None}
        if method != "GET":
            usual |= {"origin": self.base, "content-type": "application/json"}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if body is not None:
            usual["content-length"] = str(len(body))
        for name, value in (
            usual | {name.replace("_", "-"): value for name, value in headers.items()}
        ).items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    def ask(self, path, question, **headers):
        """POST a question as JSON."""
        return self.request("POST", path, json.dumps(question).encode(), **headers)

    def stop(self):
        """End it as Ctrl-C does; return the exit code and what it wrote to standard error."""
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@contextmanager
def opened_lab():
    """A lab whose token was used."""
    running = RunningLab()
    try:
        running.open()
        yield running
    finally:
        running.stop()
