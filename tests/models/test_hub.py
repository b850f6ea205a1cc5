"""Downloads of published checkpoints, from a server that speaks the hub's protocol."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from models import hub
from tests import hub_server

NAME, REPO = "tiny_preset", "keras/tiny_preset"
PART = hub.Part(REPO)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Caches of the test's own, and no token."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 64 * 1024)
    return tmp_path


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub with one repository of a small and a large file."""
    folder = tmp_path / "served"
    (folder / "assets").mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("not needed to load it")
    (folder / "assets" / "words.txt").write_text("dog cat")
    weights = np.random.default_rng(0).bytes(1_000_000)
    (folder / "model.weights.h5").write_bytes(weights)
    with hub_server.running({REPO: folder}) as running:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            running.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield running


def fetched():
    """Fetch the repository whole; gives the Progress on the way."""
    return list(hub.fetch(NAME, PART))


def test_progress_is_counted_while_files_are_renamed(tmp_path):
    file, done = tmp_path / "weights.part", tmp_path / "weights"
    file.write_bytes(b"1234")
    ended = threading.Event()

    def rename():
        while not ended.is_set():
            file.rename(done)
            done.rename(file)

    thread = threading.Thread(target=rename)
    thread.start()
    sizes = {hub._size(file) for _ in range(20_000)}
    ended.set()
    thread.join()
    assert sizes == {0, 4}


def test_a_checkpoint_comes_once_and_whole(server):
    assert hub.found(NAME, PART) is None
    fetched()
    folder = hub.found(NAME, PART)
    assert (folder / "assets" / "words.txt").read_text() == "dog cat"
    assert not (folder / "README.md").exists()
    weights = server.repos[REPO] / "model.weights.h5"
    assert (folder / "model.weights.h5").read_bytes() == weights.read_bytes()
    asked = len(server.asked)
    assert fetched() == [] and len(server.asked) == asked, "what is here is not asked for again"


def test_progress_tells_bytes_speed_and_time_left(server):
    server.seconds = 0.1
    seen = [each for each in fetched() if each.total]
    assert seen[-1].total == 1_000_000 + len("{}") + len("dog cat")
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    middle = [each for each in seen if each.rate]
    assert middle and all(each.left >= 0 for each in middle)


def test_a_stopped_download_goes_on_where_it_was(server):
    server.seconds = 0.1
    coming = hub.fetch(NAME, PART)
    next(each for each in coming if each.done > 200_000)
    download = hub._downloads[NAME]
    coming.close()
    assert download.ended.wait(20) and hub.found(NAME, PART) is None and not hub._downloads
    server.seconds = 0
    fetched()
    begun = [each for _, path, each in server.asked if path.endswith("weights.h5")]
    assert begun[0] is None and int(begun[-1].removeprefix("bytes=").rstrip("-")) >= 200_000
    content = (hub.found(NAME, PART) / "model.weights.h5").read_bytes()
    assert content == (server.repos[REPO] / "model.weights.h5").read_bytes()


def test_many_who_ask_share_one_download(server):
    server.seconds = 0.02
    threads = [threading.Thread(target=fetched) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert hub.found(NAME, PART)
    assert len(server.sent()) == len(set(server.sent())) == 3
    assert not hub._downloads


def test_one_who_goes_does_not_stop_the_others(server):
    server.seconds = 0.1
    first, second = hub.fetch(NAME, PART), hub.fetch(NAME, PART)
    next(first), next(second)
    first.close()
    assert list(second)[-1].done and hub.found(NAME, PART)


def test_two_processes_share_one_download(server):
    server.seconds = 0.05
    code = (
        "import huggingface_hub.constants as c; from models import hub;"
        f"list(hub.fetch({NAME!r}, hub.{PART!r}))"
    )
    environment = {**os.environ, "HF_ENDPOINT": server.url, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [each.wait(120) for each in both] == [0, 0]
    assert hub.found(NAME, PART) and len(server.sent()) == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "HF_TOKEN"),
        (403, "does not give"),
        (404, "has no keras/tiny_preset"),
        (429, "too many requests"),
        (500, "error 500"),
    ],
)
def test_a_hub_that_refuses_is_told_in_one_sentence_and_a_later_try_succeeds(
    server, status, said, monkeypatch
):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the library's own tries
    server.status = status
    with pytest.raises(hub.Trouble, match=said):
        fetched()
    server.status = None
    fetched()
    assert hub.found(NAME, PART)


def test_a_gated_checkpoint_says_where_its_licence_is(server):
    server.gated = {REPO}
    with pytest.raises(hub.Trouble, match=r"huggingface\.co/keras/tiny_preset.*HF_TOKEN"):
        fetched()


def test_no_hub_at_all_is_told(server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(hub.Trouble, match="bundled models work without it"):
        fetched()


def test_a_connection_that_breaks_is_taken_up_again(server):
    server.cut = 300_000
    fetched()
    assert hub.found(NAME, PART)
    assert any(each for _, path, each in server.asked if path.endswith("h5") and each)


@pytest.mark.fault
def test_a_damaged_file_is_fetched_once_more(server):
    server.damaged = 1
    fetched()
    assert (hub.found(NAME, PART) / "assets" / "words.txt").read_text() == "dog cat"
    assert len(server.sent()) == 4, "three files, and one of them again"


@pytest.mark.fault
def test_a_file_that_stays_damaged_is_named(server):
    server.damaged = 99
    with pytest.raises(hub.Trouble, match=r"words\.txt.*damaged twice"):
        fetched()
    assert hub.found(NAME, PART) is None


def test_a_file_that_was_cut_later_is_fetched_again(server):
    fetched()
    weights = hub.found(NAME, PART) / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert hub.found(NAME, PART) is None
    fetched()
    assert hub.found(NAME, PART)


@pytest.mark.fault
def test_a_full_disk_is_told_before_anything_comes(server, monkeypatch):
    full = lambda path: type("Usage", (), {"free": 1000})  # noqa: E731
    monkeypatch.setattr(hub.shutil, "disk_usage", full)
    with pytest.raises(hub.Trouble, match="Make room"):
        fetched()
    assert server.sent() == []


def test_offline_nothing_is_asked(server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    hub.stay_offline()
    with pytest.raises(hub.Trouble, match="offline"):
        fetched()
    assert server.asked == []
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def test_what_other_programs_downloaded_is_found(server, home):
    folder = home / "kaggle" / "models" / "keras" / "tiny" / "keras" / NAME / "3"
    folder.mkdir(parents=True)
    (folder / "model.weights.h5").write_bytes(b"weights")
    assert hub.found(NAME, PART) is None, "kagglehub has not finished it"
    folder.with_name("3.complete").touch()
    assert hub.found(NAME, PART) == folder
    from huggingface_hub import snapshot_download

    snapshot_download(REPO, cache_dir=home / "hf")
    assert hub.found(NAME, PART) != folder and (hub.found(NAME, PART) / "config.json").exists()


def test_of_a_repository_only_what_is_named_comes(server):
    list(hub.fetch(NAME, hub.Part(REPO, ("config.json",))))
    assert [path.rsplit("/", 1)[1] for path in server.sent()] == ["config.json"]
    with pytest.raises(hub.Trouble, match=r"keras/tiny_preset on the hub has no other\.h5"):
        list(hub.fetch("other", hub.Part(REPO, ("other.h5",))))
    assert not hub.found("other", hub.Part(REPO, ("other.h5",)))


def test_a_stray_folder_in_another_programs_cache_does_no_harm(home):
    folder = home / "kaggle" / "models" / "keras" / "tiny" / "keras" / NAME / "backup"
    folder.mkdir(parents=True)
    (folder / "model.weights.h5").write_bytes(b"weights")
    folder.with_name("backup.complete").touch()
    assert hub.found(NAME, PART) is None
