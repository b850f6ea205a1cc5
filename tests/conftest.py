"""Fixtures: the launched app, a real client for it, a real browser on it, and pictures to send."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session", autouse=True)
def programs(tmp_path_factory):
    """A folder of this run's own for what is converted, so that nothing is left behind or found."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="session")
def app_url(programs):
    """The address of the app, started as a visitor's host starts it, offline, on a free port."""
    with started("--offline") as address:
        yield address


@pytest.fixture(scope="session")
def start_app(programs):
    """The function `started`, for tests that need an app of their own."""
    return started


@contextlib.contextmanager
def started(*options, **environment):
    """Start the app on a free port with options and environment variables; gives its address."""
    command = [sys.executable, "app.py", "--port", str(_free_port()), *options]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **quiet, **environment},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _address(process):
    for line in process.stdout:
        if "http://" in line:
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            return line.split()[-1]
    raise RuntimeError("the app ended before it printed its address")


def _drain(process):
    with contextlib.suppress(ValueError):  # the pipe closes with the process
        for line in process.stdout:
            print(line, end="")


@pytest.fixture(scope="session")
def client(app_url):
    """gradio_client connected to the app."""
    from gradio_client import Client

    return Client(app_url, verbose=False)


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, Debian's own."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine; install Debian's package chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        with_chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield with_chromium
        with_chromium.close()


@pytest.fixture
def page(browser, app_url):
    """A fresh browser page with the app open; fails a test whose page logs an error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    faults = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(app_url)
    opened.get_by_role("tab").first.wait_for(timeout=60_000)
    yield opened
    context.close()
    assert not faults, faults


@pytest.fixture
def picture(tmp_path):
    """Return a function that writes a picture and gives its path: `picture("a.png", mode="RGB")`.

    The picture is smooth noise, so that it is not any of the examples.
    """

    def write(name="picture.png", size=(160, 120), mode="RGB", seed=0, **save):
        noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        path = tmp_path / name
        Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).convert(mode).save(
            path, **save
        )
        return path

    return write
