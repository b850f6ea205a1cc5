"""The load of many visitors, in its short form."""

import json

import pytest

from benchmarks import load


def test_figures_of_a_kind_of_job():
    told = {"method": "job", "name": "classify", "num_requests": 4, "num_failures": 1}
    other = {"method": "GET", "name": "answer"}
    stats = json.dumps([{**told, "response_times": {"90": 1, "50": 3}}, other])
    figures = {"jobs": 4, "failed": 1, "median_ms": 50, "p95_ms": 90}
    assert load.jobs(stats) == {"classify": figures}


@pytest.mark.slow
@pytest.mark.fault
def test_25_a_few_visitors_and_nothing_fails(capsys):
    found = load.main(["--visitors", "8", "--minutes", "0.5"])
    assert json.loads(capsys.readouterr().out) == found
    kinds = {"classify", "sentiment", "detect", "caption", "generate", "text_to_image"}
    kinds |= {"augment", "fine_tune"}
    assert len(kinds & set(found["jobs"])) >= 4
    assert not sum(each["failed"] for each in found["jobs"].values())
