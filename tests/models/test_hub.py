"""Downloads of published checkpoints, from a server that speaks the hub's protocol."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from kagglesdk import kaggle_env

from models import hub
from models.sources import HuggingFace, Kaggle, Trouble
from tests import hub_server

NAME, REPO, HANDLE = "tiny_preset", "keras/tiny_preset", "keras/tiny/keras/tiny_preset/3"
WAY, MIRROR = (HuggingFace(REPO),), (Kaggle(HANDLE),)


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
    with hub_server.running({REPO: folder, HANDLE: folder}) as running:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, running.url)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            running.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield running


def fetched():
    """Fetch the repository whole; gives the Progress on the way."""
    return list(hub.fetch(NAME, WAY))


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
    assert hub.found(NAME, WAY) is None
    fetched()
    folder = hub.found(NAME, WAY)
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
    coming = hub.fetch(NAME, WAY)
    next(each for each in coming if each.done > 200_000)
    download = hub._downloads[NAME]
    coming.close()
    assert download.ended.wait(20) and hub.found(NAME, WAY) is None and not hub._downloads
    server.seconds = 0
    fetched()
    begun = [each for _, path, each in server.asked if path.endswith("weights.h5")]
    assert begun[0] is None and int(begun[-1].removeprefix("bytes=").rstrip("-")) >= 200_000
    content = (hub.found(NAME, WAY) / "model.weights.h5").read_bytes()
    assert content == (server.repos[REPO] / "model.weights.h5").read_bytes()


def test_many_who_ask_share_one_download(server):
    server.seconds = 0.02
    threads = [threading.Thread(target=fetched) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert hub.found(NAME, WAY)
    assert len(server.sent()) == len(set(server.sent())) == 3
    assert not hub._downloads


def test_one_who_goes_does_not_stop_the_others(server):
    server.seconds = 0.1
    first, second = hub.fetch(NAME, WAY), hub.fetch(NAME, WAY)
    next(first), next(second)
    first.close()
    assert list(second)[-1].done and hub.found(NAME, WAY)


def test_two_processes_share_one_download(server):
    server.seconds = 0.05
    code = (
        "from models import hub; from models.sources import HuggingFace;"
        f"list(hub.fetch({NAME!r}, {WAY!r}))"
    )
    environment = {**os.environ, "HF_ENDPOINT": server.url, "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [each.wait(120) for each in both] == [0, 0]
    assert hub.found(NAME, WAY) and len(server.sent()) == 3


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
    with pytest.raises(Trouble, match=said):
        fetched()
    server.status = None
    fetched()
    assert hub.found(NAME, WAY)


def test_a_gated_checkpoint_says_where_its_licence_is(server):
    server.gated = {REPO}
    with pytest.raises(Trouble, match=r"huggingface\.co/keras/tiny_preset.*HF_TOKEN"):
        fetched()


def test_no_hub_at_all_is_told(server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Trouble, match="bundled models work without it"):
        fetched()


def test_a_connection_that_breaks_is_taken_up_again(server):
    server.cut = 300_000
    fetched()
    assert hub.found(NAME, WAY)
    assert any(each for _, path, each in server.asked if path.endswith("h5") and each)


@pytest.mark.fault
def test_a_damaged_file_is_fetched_once_more(server):
    server.damaged = 1
    fetched()
    assert (hub.found(NAME, WAY) / "assets" / "words.txt").read_text() == "dog cat"
    assert len(server.sent()) == 4, "three files, and one of them again"


@pytest.mark.fault
def test_a_file_that_stays_damaged_is_named(server):
    server.damaged = 99
    with pytest.raises(Trouble, match=r"words\.txt.*damaged twice"):
        fetched()
    assert hub.found(NAME, WAY) is None


def test_a_file_that_was_cut_later_is_fetched_again(server):
    fetched()
    weights = hub.found(NAME, WAY) / "model.weights.h5"
    weights.write_bytes(weights.read_bytes()[:1000])
    assert hub.found(NAME, WAY) is None
    fetched()
    assert hub.found(NAME, WAY)


@pytest.mark.fault
def test_a_full_disk_is_told_before_anything_comes(server, monkeypatch):
    full = lambda path: type("Usage", (), {"free": 1000})  # noqa: E731
    monkeypatch.setattr(hub.shutil, "disk_usage", full)
    with pytest.raises(Trouble, match="Make room"):
        fetched()
    assert server.sent() == []


def test_offline_nothing_is_asked(server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    hub.stay_offline()
    with pytest.raises(Trouble, match="offline"):
        list(hub.fetch(NAME, WAY, MIRROR))
    assert server.asked == []
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def test_what_other_programs_downloaded_is_found(server, home):
    import kagglehub
    from huggingface_hub import snapshot_download

    assert hub.found(NAME, WAY, MIRROR) is None
    folder = Path(kagglehub.model_download(HANDLE))
    assert hub.found(NAME, WAY, MIRROR) == folder
    folder.with_name("3.complete").unlink()
    assert hub.found(NAME, WAY, MIRROR) is None, "kagglehub has not finished it"
    snapshot_download(REPO, cache_dir=home / "hf")
    assert (hub.found(NAME, WAY, MIRROR) / "config.json").exists()


def test_kaggle_gives_the_same_checkpoint(server, monkeypatch):
    monkeypatch.setattr("models.sources.PAGE", 3)
    list(hub.fetch(NAME, MIRROR))
    folder = hub.found(NAME, MIRROR)
    for path in server.repos[REPO].rglob("*.*"):
        found = folder / path.relative_to(server.repos[REPO])
        assert found.exists() != (path.name == "README.md")
        assert not found.exists() or found.read_bytes() == path.read_bytes()
    assert [method for method, _ in server.told].count("ListModelInstanceVersionFiles") == 2


def test_kaggle_is_asked_as_kagglehub_asks(server, monkeypatch, tmp_path):
    import kagglehub

    kagglehub.model_download(HANDLE)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "another"))
    theirs, server.told = server.told, []
    list(hub.fetch(NAME, MIRROR))
    pages = {"pageSize": None}
    assert {**server.told[0][1], **pages} == {**theirs[0][1], **pages}
    for asked in server.told:
        assert asked[0] == "ListModelInstanceVersionFiles" or asked in theirs


def test_a_stopped_download_from_kaggle_goes_on_where_it_was(server):
    server.seconds = 0.1
    coming = hub.fetch(NAME, MIRROR)
    next(each for each in coming if each.done > 200_000)
    download = hub._downloads[NAME]
    coming.close()
    assert download.ended.wait(20) and hub.found(NAME, MIRROR) is None
    server.seconds = 0
    list(hub.fetch(NAME, MIRROR))
    begun = [part for _, path, part in server.asked if path.endswith("h5")]
    assert int(begun[-1].removeprefix("bytes=").rstrip("-")) >= 200_000
    content = (hub.found(NAME, MIRROR) / "model.weights.h5").read_bytes()
    assert content == (server.repos[REPO] / "model.weights.h5").read_bytes()


def test_a_damaged_file_from_kaggle_is_fetched_once_more_by_its_hash(server):
    server.damaged = 1
    list(hub.fetch(NAME, MIRROR))
    assert (hub.found(NAME, MIRROR) / "assets" / "words.txt").read_text() == "dog cat"
    assert len(server.sent()) == 4, "three files, and one of them again"


def test_a_file_without_a_hash_is_checked_by_its_size(server):
    server.hashed = False
    list(hub.fetch(NAME, MIRROR))
    assert hub.found(NAME, MIRROR)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "KAGGLE_API_TOKEN"),
        (403, r"kaggle\.com/models/keras/tiny/keras/tiny_preset/3"),
        (404, "Kaggle has no keras/tiny"),
        (429, "Kaggle has had too many requests"),
        (500, "Kaggle answers with error 500"),
    ],
)
def test_kaggles_refusals_are_told_in_one_sentence(server, status, said):
    server.status = status
    with pytest.raises(Trouble, match=said):
        list(hub.fetch(NAME, MIRROR))
    server.status = None
    list(hub.fetch(NAME, MIRROR))
    assert hub.found(NAME, MIRROR)


def test_no_kaggle_at_all_is_told(server, monkeypatch):
    endpoints = kaggle_env._env_to_endpoint
    monkeypatch.setitem(endpoints, kaggle_env.KaggleEnv.PROD, "http://127.0.0.1:9")
    with pytest.raises(Trouble, match=r"Kaggle cannot be reached.*bundled models work without it"):
        list(hub.fetch(NAME, MIRROR))


def test_where_one_source_fails_the_other_helps(server, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the library's own tries
    server.down = "huggingface"
    list(hub.fetch(NAME, WAY, MIRROR))
    assert hub.found(NAME, WAY)


def test_where_both_fail_the_first_says_why(server, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    server.down, server.gated = "kaggle", {REPO}
    with pytest.raises(Trouble, match=r"huggingface\.co.*HF_TOKEN"):
        list(hub.fetch(NAME, WAY, MIRROR))
    assert server.told, "Kaggle was asked"


@pytest.mark.parametrize(("first", "asks_kaggle"), [("kaggle", True), ("huggingface", False)])
def test_the_source_asked_first_can_be_chosen(server, monkeypatch, first, asks_kaggle):
    monkeypatch.setattr(hub, "_first", hub._first)
    hub.prefer(first)
    list(hub.fetch(NAME, WAY, MIRROR))
    assert bool(server.told) is asks_kaggle


def test_of_a_repository_only_what_is_named_comes(server):
    list(hub.fetch(NAME, (HuggingFace(REPO, ("config.json",)),)))
    assert [path.rsplit("/", 1)[1] for path in server.sent()] == ["config.json"]
    other = (HuggingFace(REPO, ("other.h5",)),)
    with pytest.raises(Trouble, match=r"keras/tiny_preset on Hugging Face has no other\.h5"):
        list(hub.fetch("other", other))
    assert not hub.found("other", other)
