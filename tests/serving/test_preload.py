"""What a Space preloads: pinned lines for its README, and checkpoints found where it puts them."""

import pytest
from huggingface_hub import hf_hub_download

from models import catalog
from serving import preload
from tests import hub_server

ROW = catalog.get("gpt2_base_en")
WEIGHTS = "model.weights.h5"


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A hub with a checkpoint, and caches of the test's own."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name in ("config.json", "README.md", WEIGHTS):
        (folder / name).write_text("{}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    with hub_server.running({"keras/gpt2_base_en": folder}) as running:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        monkeypatch.setattr(
            "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
            running.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield running


def test_a_space_finds_what_its_lines_preload(server, capsys):
    preload.main([ROW.id, ROW.id])
    heading, line = capsys.readouterr().out.splitlines()
    assert heading == "preload_from_hub:"
    assert line == f"  - keras/gpt2_base_en config.json,{WEIGHTS} {hub_server.COMMIT}"
    repository, files, commit = line.split()[1:]
    assert not ROW.here
    for name in files.split(","):  # as Spaces do when they build
        path = hf_hub_download(repository, name, revision=commit)
    asked = len(server.asked)
    assert ROW.here and str(ROW.folder / WEIGHTS) == path
    assert len(server.asked) == asked


def test_a_commit_without_weights_is_not_found(server):
    hf_hub_download("keras/gpt2_base_en", "config.json", revision=hub_server.COMMIT)
    assert not ROW.here


def test_what_cannot_be_preloaded_is_said(server, capsys):
    for name in ("gpt3", "resnet_cifar10", "yolo_v8_m_pascalvoc", "stable_diffusion_1.4"):
        with pytest.raises(SystemExit):
            preload.main([name])
        told = capsys.readouterr().err
        assert f"invalid choice: '{name}'" in told and "'gpt2_base_en'" in told
    server.status = 503
    with pytest.raises(SystemExit, match="Try again later"):
        preload.main([ROW.id])
