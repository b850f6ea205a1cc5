"""A server that speaks as much of the Hugging Face hub's and Kaggle's protocols as downloads need.

It serves folders as repositories and misbehaves on demand: slow, cut off, damaged, any status.
"""

import base64
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
GLANCE = "bytes=0-0"  # range of a request for no more than a file's headers
SERVICE = "/v1/models.ModelApiService/"


class Hub(ThreadingHTTPServer):
    """Serves `repos`, a dict of a repository's name to a folder.

    A name is "owner/name" on the hub, "owner/model/framework/variation/version" on Kaggle.

    Attributes:
        status: int answered to everything, or None.
        down: "huggingface" or "kaggle" that answers 500 to everything, or None.
        told: list of (method, contents) of what was asked of Kaggle, in order.
        hashed: bool, whether Kaggle tells files' hashes.
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
        self.down, self.told, self.hashed = None, [], True
        self.cut, self.damaged, self.asked = None, 0, []

    @property
    def url(self):
        """Its address, for HF_ENDPOINT and Kaggle's."""
        return f"http://127.0.0.1:{self.server_port}"

    def sent(self):
        """The paths of the files that were asked for, in order."""
        files = [each for each in self.asked if each[0] == "GET" and "/resolve/" in each[1]]
        return [path for _, path, part in files if part != GLANCE]


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

    def do_POST(self):
        """What Kaggle is asked: its files, or where one lies."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        method = self.path.removeprefix(SERVICE)
        self.server.asked.append((self.command, self.path, None))
        self.server.told.append((method, asked))
        status = 500 if self.server.down == "kaggle" else self.server.status
        if status:
            return self._say(status, {}, b"{}")
        keys = ("ownerSlug", "modelSlug", "framework", "instanceSlug", "versionNumber")
        owner, model, framework, variation, version = (asked[key] for key in keys)
        framework = framework.removeprefix("MODEL_FRAMEWORK_").lower()
        repo = f"{owner}/{model}/{framework}/{variation}/{version}"
        folder = self.server.repos.get(repo)
        if folder is None:
            return self._say(404, {}, b"{}")
        if method == "DownloadModelInstanceVersion":
            url = f"{self.server.url}/{repo}/resolve/{asked['path']}"
            return self._say(302, {"Location": url}, b"")
        return self._say(200, {"Content-Type": "application/json"}, _page(folder, asked))

    def log_message(self, *_):
        pass

    def _answer(self, body):
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path, self.headers.get("Range")))
        stored = re.fullmatch(r"/([^/]+(?:/[^/]+){4})/resolve/(.+)", path)
        if stored and stored.group(1) in self.server.repos:
            return self._file(self.server.repos[stored.group(1)] / stored.group(2), body)
        status = 500 if self.server.down == "huggingface" else self.server.status
        if status:
            return self._say(status, {}, b"{}")
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
        if self.command != "HEAD":
            self.wfile.write(content)

    def _file(self, path, body):
        content = path.read_bytes()
        asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        start = int(asked[1]) if asked else 0
        end = int(asked[2]) + 1 if asked and asked[2] else len(content)
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        if self.server.hashed:
            md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
            self.send_header("x-goog-hash", f"crc32c=AAAAAA==, md5={md5}")
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.headers.get("Range") == GLANCE:
            self.wfile.write(content[:1])
        elif body:
            self._stream(content[start:end])

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


def _page(folder, asked):
    """What Kaggle lists of a folder's files, JSON: a page of them."""
    files = [{"name": each["path"], "size": each["size"]} for each in _tree(folder)]
    start, size = int(asked.get("pageToken") or 0), asked["pageSize"]
    after = str(start + size) if start + size < len(files) else ""
    return json.dumps({"files": files[start : start + size], "nextPageToken": after}).encode()


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
