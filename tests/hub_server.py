"""A server that speaks as much of the Hugging Face hub's HTTP protocol as downloads ask for.

It serves folders as repositories and misbehaves on demand: slow, cut off, damaged, any status.
"""

import contextlib
import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0" * 40
CHUNK = 64 * 1024


class Hub(ThreadingHTTPServer):
    """Serves `repos`, a dict of "owner/name" to a folder.

    Attributes:
        status: int answered to everything, or None.
        gated: set of repositories that ask for their licence to be accepted.
        seconds: float, pause before each CHUNK of a file.
        cut: bytes after which the connection of the next larger file breaks, or None.
        damaged: int, how many files to come have their bytes turned around.
        asked: list of (method, path, Range header), in order.
    """

    daemon_threads = True

    def __init__(self, repos):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos = {name: Path(folder) for name, folder in repos.items()}
        self.status, self.gated, self.seconds = None, set(), 0.0
        self.cut, self.damaged, self.asked = None, 0, []

    @property
    def url(self):
        """Its address, for HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"

    def sent(self):
        """The paths of the files that were asked for, in order."""
        return [path for method, path, _ in self.asked if method == "GET" and "/resolve/" in path]


@contextlib.contextmanager
def running(repos):
    """Run a Hub in a thread."""
    hub = Hub(repos)
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(body=True)

    def do_HEAD(self):
        self._answer(body=False)

    def log_message(self, *_):
        pass

    def _answer(self, body):
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path, self.headers.get("Range")))
        if self.server.status:
            return self._say(self.server.status, {}, b"{}")
        model = re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/[^/]+)?", path)
        tree = re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/[^/]+", path)
        file = re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path)
        meant = model or tree or file
        repo = meant and meant.group(1)
        if repo in self.server.gated:
            return self._say(403, {"X-Error-Code": "GatedRepo"}, b"{}")
        folder = self.server.repos.get(repo)
        if folder is None:
            return self._say(404, {"X-Error-Code": "RepoNotFound"}, b"{}")
        if model or tree:
            told = _about(repo, folder) if model else _tree(folder)
            return self._say(200, {"Content-Type": "application/json"}, json.dumps(told).encode())
        return self._file(folder / file.group(2), body)

    def _say(self, status, headers, content):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _file(self, path, body):
        content = path.read_bytes()
        asked = re.match(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(asked.group(1)) if asked else 0
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if body:
            self._stream(content[start:])

    def _stream(self, content):
        if self.server.damaged:
            self.server.damaged -= 1
            content = content[::-1]
        cut = self.server.cut
        if cut is not None and cut < len(content):
            self.server.cut = None
        with contextlib.suppress(ConnectionError):
            for at in range(0, len(content), CHUNK):
                if cut is not None and at >= cut:
                    self.close_connection = True
                    return
                time.sleep(self.server.seconds)
                self.wfile.write(content[at : at + CHUNK])


def _about(repo, folder):
    """What describes a repository with its files."""
    files = [
        {"rfilename": each["path"], "size": each["size"], "blobId": each["oid"]}
        | ({"lfs": {**each["lfs"], "sha256": each["lfs"]["oid"]}} if "lfs" in each else {})
        for each in _tree(folder)
    ]
    told = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": files, "tags": []}
    return {**told, "private": False, "downloads": 0, "likes": 0}


def _tree(folder):
    """What lists a repository's files; weights are in its large file storage."""
    return [_listed(path, folder) for path in sorted(folder.rglob("*")) if path.is_file()]


def _listed(path, folder):
    content = path.read_bytes()
    size, blob = len(content), hashlib.sha1(f"blob {len(content)}\0".encode() + content)
    told = {"type": "file", "path": str(path.relative_to(folder)), "size": size}
    if path.suffix == ".h5":
        digest = hashlib.sha256(content).hexdigest()
        told["lfs"] = {"oid": digest, "size": size, "pointerSize": 130}
    return {**told, "oid": blob.hexdigest()}
