"""A client that speaks plain HTTP to the app, as nobody's own client would."""

import base64
import json
import time
import urllib.parse

import httpx
import psutil
import pytest

WRITE = ["A fox", "gpt2_tiny_stories", 5, "top_p", 0.8, 5, 0.9, 1, 4, 0.6]
CLASSIFY = [None, "efficientnetv2_caltech101", 3]
DRAW = ["a dog", "", "stable_diffusion_picture_book", 2, 4.0, 1, 5]
EDIT = ["a dog", "a cat", *DRAW[1:5], 5, 0.5]


class Raw:
    """Plain HTTP to a running app."""

    def __init__(self, address):
        self.address = address.rstrip("/")
        self.http = httpx.Client(base_url=self.address, timeout=120)
        described = self.http.get("/config").json()["dependencies"]
        self.numbers = {each["api_name"]: each["id"] for each in described if each["api_name"]}

    @property
    def process(self):
        """The psutil.Process of the app."""
        port = urllib.parse.urlparse(self.address).port
        for process in psutil.process_iter():
            line = process.cmdline()
            if "app.py" in line and str(port) in line:
                return process
        raise RuntimeError(f"no app on port {port}")

    def begin(self, endpoint, data, body=None):
        """Ask for a job by name; gives the response, whose JSON has the event_id."""
        content = body if body is not None else json.dumps({"data": data})
        headers = {"content-type": "application/json"}
        return self.http.post(f"/gradio_api/call/{endpoint}", content=content, headers=headers)

    def call(self, endpoint, data, body=None):
        """Run a job to its end; gives (name of the last event, its data)."""
        begun = self.begin(endpoint, data, body)
        assert begun.status_code == 200, begun.text
        came = self.http.get(f"/gradio_api/call/{endpoint}/{begun.json()['event_id']}").text
        event, told = came.strip().splitlines()[-2:]
        return event.removeprefix("event: "), json.loads(told.removeprefix("data: "))

    def refused(self, endpoint, data, body=None):
        """Run a job that has to be refused; gives the message for the visitor."""
        event, told = self.call(endpoint, data, body)
        assert event == "error", told
        assert told["error"], "an error without a message"
        for unreadable in ("Traceback", "preprocess", "validation error"):
            assert unreadable not in told["error"]
        return told["error"]

    def join(self, endpoint, data, visitor):
        """Put a job into the queue as a browser does; gives the response."""
        number = self.numbers[endpoint]
        given = {"data": data, "fn_index": number, "session_hash": visitor}
        return self.http.post("/gradio_api/queue/join", json=given)

    def ended(self, number, data, visitor):
        """Run an event of the page by its number; gives its last message, or None if refused."""
        given = {"data": data, "fn_index": number, "session_hash": visitor}
        if self.http.post("/gradio_api/queue/join", json=given).status_code != 200:
            return None
        with self.stream(visitor) as messages:
            for line in messages.iter_lines():
                if '"process_completed"' in line:
                    return json.loads(line.removeprefix("data: "))
        raise RuntimeError(f"event {number} never ended")

    def cancel(self, endpoint, visitor, event):
        """Stop a job, running or waiting, as a browser's Stop button does."""
        given = {"session_hash": visitor, "fn_index": self.numbers[endpoint], "event_id": event}
        assert self.http.post("/gradio_api/cancel", json=given).json() == {"success": True}

    def stream(self, visitor):
        """Open the stream of a visitor's events, a context manager."""
        return self.http.stream("GET", f"/gradio_api/queue/data?session_hash={visitor}")


def data_url(content, kind="image/png"):
    """An image as a client sends it without an upload."""
    url = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    return {"url": url, "meta": {"_type": "gradio.FileData"}}


@pytest.fixture(scope="session")
def raw(app_url):
    """A Raw on the app, once its default models are warm."""
    return warmed(app_url)


def warmed(address):
    """A Raw on an app that has said that it is ready."""
    found, until = Raw(address), time.monotonic() + 240
    while httpx.get(f"{found.address}/readyz", timeout=120).status_code != 200:
        assert time.monotonic() < until, "the app never got ready"
        time.sleep(0.5)
    return found
