"""The folder of temporary files: within its budget and age, examples kept, gone at the end."""

import errno
import os
import socket
import time
import urllib.parse

import gradio as gr
import pytest

from serving import temporary
from tests.faults.conftest import CLASSIFY, Raw, data_url

pytestmark = pytest.mark.fault


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that is made where GRADIO_TEMP_DIR says."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with temporary.folder() as made:
        assert made.parent == tmp_path and os.environ["GRADIO_TEMP_DIR"] == str(made)
        yield made
    assert not made.exists()


@pytest.fixture
def blocks(folder, picture):
    """A page with one example, whose file has a copy in the folder."""
    with gr.Blocks() as made:
        gr.Examples([[str(picture("example.png"))]], gr.Image(type="filepath"))
    return made


def sent(folder, name, size=1000):
    """Write a file as an upload does, in a folder of its own; gives its path."""
    path = folder / name / "picture.png"
    path.parent.mkdir()
    path.write_bytes(bytes(size))
    time.sleep(0.02)  # the next one is younger
    return path


def test_over_the_budget_the_oldest_go_and_examples_stay(blocks, folder):
    (example,) = [path for path in folder.rglob("*") if path.is_file()]
    files = [sent(folder, name) for name in "abc"]
    blocks.upload_file_set.update(map(str, files))
    budget = example.stat().st_size + 2000
    temporary.clean(blocks, folder, budget)
    assert temporary.size(folder) == budget
    assert [path.exists() for path in files] == [False, True, True]
    assert not files[0].parent.exists(), "an empty folder stays"
    assert blocks.upload_file_set == set(map(str, files[1:])), "the name is remembered"
    temporary.clean(blocks, folder, 0)
    assert example.exists() and temporary.size(folder) == example.stat().st_size


def test_what_is_old_goes(blocks, folder, monkeypatch):
    file = sent(folder, "a")
    temporary.clean(blocks, folder, 1e9)
    assert file.exists()
    monkeypatch.setattr(temporary, "AGE", 0.01)
    temporary.clean(blocks, folder, 1e9)
    assert not file.exists()


def test_an_upload_that_broke_off_goes_sooner(blocks, folder, monkeypatch):
    (folder / "tmp_part").write_bytes(bytes(9))
    whole = sent(folder, "a")
    temporary.clean(blocks, folder, 1e9)
    assert (folder / "tmp_part").exists(), "it may still be growing"
    monkeypatch.setattr(temporary, "STALLED", 0.01)
    temporary.clean(blocks, folder, 1e9)
    assert not (folder / "tmp_part").exists() and whole.exists()


@pytest.mark.slow
def test_the_running_app_keeps_its_budget(start_app, tmp_path, picture):
    """Whatever way files come: uploads, data: URLs, and an upload that breaks off."""
    content, parent = picture(size=(900, 700)).read_bytes(), tmp_path / "temporary"
    with start_app("--offline", "--disk-budget", "0.003", GRADIO_TEMP_DIR=str(parent)) as address:
        app = Raw(address)
        (folder,) = parent.glob("keras_hands_on_*")
        begun = temporary.size(folder)
        for number in range(8):
            files = {"files": ("a.png", content + bytes(400_000 + number))}
            app.http.post("/gradio_api/upload", files=files).raise_for_status()
            app.begin("classify", [data_url(content + bytes(number)), *CLASSIFY[1:]])
        broken_off(address)
        assert temporary.size(folder) > begun + 3e6
        until = time.monotonic() + 60
        while temporary.size(folder) > 3e6:
            assert time.monotonic() < until, "it stays over its budget"
            time.sleep(0.5)
    assert not folder.exists()


def broken_off(address):
    """Begin an upload and hang up."""
    where = urllib.parse.urlparse(address)
    with socket.create_connection((where.hostname, where.port)) as line:
        head = "POST /gradio_api/upload HTTP/1.1\r\nHost: here\r\nContent-Length: 9000000\r\n"
        head += "Content-Type: multipart/form-data; boundary=cut\r\n\r\n--cut\r\n"
        head += 'Content-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
        line.sendall(head.encode() + bytes(2_000_000))
        time.sleep(0.5)


def test_an_error_that_led_to_itself_is_no_full_disk():
    itself, full = ValueError(), OSError(errno.ENOSPC, "no space")
    itself.__cause__ = itself
    assert not temporary.full(itself)
    itself.__cause__ = full
    assert temporary.full(itself)
