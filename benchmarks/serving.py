"""The running app: how soon it answers, how much memory it holds, how many visitors it serves.

Starts `python app.py` as a host does and talks to it as a program does, over HTTP. The clients
whose answers are counted speak plain HTTP, since many gradio_clients in one process wait for each
other longer than for the app.
"""

import concurrent.futures
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import httpx
import numpy as np
import psutil
from gradio_client import Client, handle_file

from benchmarks import browsing
from models import catalog

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "assets" / "examples" / "elephant.jpg"
CLIENTS = (1, 4, 16)
REQUESTS = 10  # of each client
ASKED = {  # endpoint of each capability, and what to ask it
    "classification": ("/classify", {"image": handle_file(PICTURE)}),
    "detection": ("/detect", {"image": handle_file(PICTURE)}),
    "text_to_image": ("/text_to_image", {"prompt": "a dog", "negative_prompt": ""}),
    "sentiment": ("/sentiment", {"text": "A joy."}),
    "text_generation": ("/generate", {"prompt": "The fox"}),
    "captioning": ("/caption", {"image": handle_file(PICTURE)}),
}
WAIT = 240  # seconds for a start at most
SETTLE = 120  # seconds after the first answer until the page counts as idle


def measure():
    """Start the app twice, the second time with what the first has converted.

    Returns:
        dict: `first_start` and `second_start`, each with the seconds from the command to the page
        and to the first classification and the memory when idle, without and with the processes
        that it has begun; `every_model_mb`, the memory of
        the app and its processes once each bundled model has answered; `clients`, by their number,
        with classifications a second and the median and p95 latency; `browser`, where there is
        one, as of `browsing.latencies`.
    """
    with tempfile.TemporaryDirectory() as cache:
        first = with_app(cache, _started)
        found = {
            "first_start": first,
            "second_start": with_app(cache, _started),
            "every_model_mb": with_app(cache, _filled),
            "clients": with_app(cache, _served),
        }
        return found | ({"browser": with_app(cache, _browsed)} if browsing.able() else {})


def free_port():
    """Return the number of a port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def with_app(cache, work, *options):
    """Run `work(process, address, time of start)` on the app.

    Args:
        cache: path of the folder for its programs, or None for where they are kept on this machine.
        work: function. options: str each, for the app's command line.
    """
    port = free_port()
    command = [sys.executable, "app.py", "--port", str(port), "--offline", *options]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    if cache:
        environment["XDG_CACHE_HOME"] = cache
    began = time.perf_counter()
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as app:
        try:
            return work(app, f"http://127.0.0.1:{port}/", began)
        finally:
            app.terminate()


def _started(app, address, began):
    page = _until(lambda: urllib.request.urlopen(address, timeout=5).status == 200, began)
    _classify(_client(address))
    answered = time.perf_counter() - began
    time.sleep(SETTLE)
    return {
        "page_s": round(page, 1),
        "first_classification_s": round(answered, 1),
        "idle_memory_mb": round(psutil.Process(app.pid).memory_info().rss / 1e6),
        "with_processes_mb": _held(app),
    }


def _filled(app, address, began):
    _until(lambda: urllib.request.urlopen(address, timeout=5).status == 200, began)
    client = _client(address)
    for row in catalog.MODELS:
        endpoint, given = ASKED[row.capability]
        client.predict(**given, model=row.id, api_name=endpoint)
    return _held(app)


def _held(app):
    """Memory of the app and its processes, in MB."""
    process = psutil.Process(app.pid)
    held = (each.memory_info().rss for each in (process, *process.children(recursive=True)))
    return round(sum(held) / 1e6)


def _served(app, address, began):
    _warm(address, began)
    return {str(count): _load(address, count) for count in CLIENTS}


def _browsed(app, address, began):
    _warm(address, began)
    return browsing.latencies(address, PICTURE)


def _load(address, count):
    with contextlib.ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(base_url=address, timeout=WAIT)) for _ in range(count)
        ]
        began = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            spent = np.concatenate(list(pool.map(_visit, clients)))
        elapsed = time.perf_counter() - began
    return {
        "per_second": round(len(spent) / elapsed, 1),
        "median_ms": round(float(np.median(spent)) * 1000),
        "p95_ms": round(float(np.percentile(spent, 95)) * 1000),
    }


def _visit(client):
    """Seconds of each of a visitor's requests, in one session as a page's are."""
    session, spent = secrets.token_hex(8), []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        _send_and_name(client, session)
        spent.append(time.perf_counter() - began)
    return spent


def _send_and_name(client, session):
    """Upload the picture and have it classified, as the API's description says."""
    with PICTURE.open("rb") as content:
        sent = client.post("/gradio_api/upload", files={"files": (PICTURE.name, content)})
    picture = {"path": sent.raise_for_status().json()[0], "meta": {"_type": "gradio.FileData"}}
    data = {"data": [picture, "efficientnetv2_caltech101", 3], "session_hash": session}
    asked = client.post("/gradio_api/call/classify", json=data).raise_for_status().json()
    told = client.get(f"/gradio_api/call/classify/{asked['event_id']}").text
    if "event: complete" not in told:
        raise RuntimeError(told[-300:])


def _client(address):
    return Client(address, verbose=False)


def _classify(client):
    return client.predict(handle_file(PICTURE), api_name="/classify")


def _warm(address, began):
    """Wait until every default model answers at once."""
    _until(lambda: urllib.request.urlopen(f"{address}readyz", timeout=5).status == 200, began)


def _until(ready, began):
    while time.perf_counter() - began < WAIT:
        try:
            if ready():
                return time.perf_counter() - began
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"the app did not answer within {WAIT} s")
