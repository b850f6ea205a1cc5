"""The recipe of `resnet_cifar10`: the whole path in small."""

import json

import pytest

from models import catalog
from training import resnet_cifar10 as recipe


@pytest.mark.slow
def test_smoke(tmp_path):
    out = tmp_path / "preset"
    record = recipe.main(["--smoke", "--out", str(out), "--work", str(tmp_path / "work")])
    assert json.loads((out / "training.json").read_text()) == record
    assert 0 <= record["value"] <= 1 and int(record["held_out"].split()[0]) > 0
    assert json.loads((out / "labels.json").read_text())
    assert max(file.stat().st_size for file in out.iterdir()) < 10_000_000


def test_the_bundled_model_reaches_its_floor():
    row = catalog.get("resnet_cifar10")
    assert row.record["value"] >= 0.8
