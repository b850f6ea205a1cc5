"""Checkpoints at full size: the smallest one answers, and an unknown one is refused."""

import json

import pytest

from benchmarks import checkpoints, full_size
from models import catalog


def test_every_builder_is_of_a_row():
    assert set(full_size.BUILD) <= {row.id for row in catalog.PUBLISHED}


def test_an_unknown_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        checkpoints.main(["resnet_51"])
    assert "not built here: resnet_51" in capsys.readouterr().err


@pytest.mark.slow
def test_one_at_full_size_answers(capsys):
    checkpoints.main(["mobilenet_v3_small_100_imagenet"])
    (line,) = capsys.readouterr().out.strip().splitlines()
    found = json.loads(line)
    assert found["name"] == "mobilenet_v3_small_100_imagenet"
    assert 0 < found["next_s"] < found["first_s"] and found["peak_mb"] > 100
