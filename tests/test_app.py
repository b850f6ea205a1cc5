"""The command line: offline opens no connection, pretrained downloads behind the page."""

import json
import time
import urllib.request

import pytest

from models import catalog
from models.rows import BUNDLED
from tests import hub_server

WATCH = """
import ipaddress, os, socket

def watched(connect):
    def wrapper(self, address, *rest):
        if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
            with open(os.environ["CONNECTIONS"], "a") as file:
                file.write(f"{address}\\n")
        return connect(self, address, *rest)
    return wrapper

def asked(getaddrinfo):
    def wrapper(host, *rest, **more):
        if host not in (None, "localhost", "127.0.0.1", "0.0.0.0", "::1", b"127.0.0.1"):
            with open(os.environ["CONNECTIONS"], "a") as file:
                file.write(f"{host}\\n")
        return getaddrinfo(host, *rest, **more)
    return wrapper

socket.socket.connect = watched(socket.socket.connect)
socket.socket.connect_ex = watched(socket.socket.connect_ex)
socket.getaddrinfo = asked(socket.getaddrinfo)
"""
DRAWING = "stable_diffusion_picture_book"
PICTURE = str(BUNDLED.parent / "examples" / "city.jpg")
CALLS = {
    "/classify": {"image": PICTURE, "model": "efficientnetv2_caltech101", "top_k": 3},
    "/detect": {"image": PICTURE, "model": "retinanet_picture_book"},
    "/fine_tune": {
        "pictures": [PICTURE] * 4,
        "classes": ["one", "one", "two", "two"],
        "image": PICTURE,
        "model": "efficientnetv2_caltech101",
    },
    "/sentiment": {"text": "a joy", "model": "bert_tiny_reviews"},
    "/caption": {"image": PICTURE, "model": "gru_attention_picture_book", "count": 2},
    "/generate": {"prompt": "A fox", "model": "gpt2_tiny_stories", "max_length": 4},
    "/text_to_image": {"prompt": "a fox", "negative_prompt": "", "model": DRAWING, "steps": 2},
    "/edit": {
        "prompt": "a fox",
        "edited_prompt": "an owl",
        "negative_prompt": "",
        "model": DRAWING,
        "steps": 2,
    },
}


@pytest.fixture
def served(tmp_path):
    """A hub with narrowed presets of what --models pretrained asks for first."""
    from models import runtime

    runtime.start()
    from tests import published_presets

    lights = [row for row in catalog.PUBLISHED if row.light]
    firsts = {row.capability: row for row in reversed(lights)}.values()
    repos = {}
    for row in firsts:
        repos |= published_presets.save(row, tmp_path)
    with hub_server.running(repos) as running:
        yield running


def folders(tmp_path):
    """Environment variables that put every cache under a folder of the test's own."""
    names = ("XDG_CACHE_HOME", "HF_HOME", "KAGGLEHUB_CACHE")
    return {name: str(tmp_path / name) for name in names}


@pytest.mark.slow
def test_offline_opens_no_connection(start_app, tmp_path):
    from gradio_client import Client, handle_file

    (tmp_path / "sitecustomize.py").write_text(WATCH)
    log = tmp_path / "connections"
    watched = {"PYTHONPATH": str(tmp_path), "CONNECTIONS": str(log)}
    with start_app("--offline", **watched, **folders(tmp_path)) as address:
        client = Client(address, verbose=False)
        for name, given in CALLS.items():
            files = {key: handle_file(each) for key, each in given.items() if key == "image"}
            if "pictures" in given:
                files["pictures"] = [handle_file(each) for each in given["pictures"]]
            assert client.predict(**{**given, **files}, api_name=name)
        with pytest.raises(Exception, match=r"not in the list of choices|not on this machine yet"):
            client.predict("a joy", "bert_tiny_en_uncased_sst2", api_name="/sentiment")
    assert not log.exists(), log.read_text()


@pytest.mark.slow
def test_pretrained_downloads_each_tabs_first_checkpoint_behind_the_page(
    start_app, served, tmp_path
):
    homes = folders(tmp_path)
    with start_app("--models", "pretrained", HF_ENDPOINT=served.url, **homes) as address:
        assert urllib.request.urlopen(address, timeout=10).status == 200
        place = tmp_path / "XDG_CACHE_HOME" / "keras_hands_on" / "checkpoints"
        wanted = {place / folder.name / "files.json" for folder in served.repos.values()}
        until = time.monotonic() + 120
        while time.monotonic() < until and not all(each.exists() for each in wanted):
            time.sleep(0.5)
        assert all(json.loads(each.read_text()) for each in wanted)


def test_a_host_without_a_command_line_chooses_the_models(monkeypatch, capsys):
    import app

    monkeypatch.setenv("KERAS_HANDS_ON_MODELS", "bundled")
    assert app.arguments([]).models == "bundled"
    monkeypatch.setenv("KERAS_HANDS_ON_MODELS", "all")
    with pytest.raises(SystemExit):
        app.arguments([])
    assert "bundled" in capsys.readouterr().err


def test_a_host_without_a_command_line_chooses_the_hub(monkeypatch, capsys):
    import app

    monkeypatch.setenv("KERAS_HANDS_ON_HUB", "kaggle")
    assert app.arguments([]).hub == "kaggle"
    monkeypatch.setenv("KERAS_HANDS_ON_HUB", "tfhub")
    with pytest.raises(SystemExit):
        app.arguments([])
    assert "KERAS_HANDS_ON_HUB is 'tfhub'" in capsys.readouterr().err


def test_pretrained_and_offline_exclude_each_other(capsys):
    import app

    with pytest.raises(SystemExit):
        app.arguments(["--models", "pretrained", "--offline"])
    assert "--offline forbids" in capsys.readouterr().err
