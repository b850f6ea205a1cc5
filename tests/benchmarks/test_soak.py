"""A crowd, then light traffic, in its short form."""

import json

import pytest

from benchmarks import soak


def test_the_slope_is_what_an_hour_adds():
    seen = [{"second": 10 * step, "memory_mb": 500 + step} for step in range(9)]
    assert soak.slope(seen, "memory_mb") == pytest.approx(360)


@pytest.mark.slow
@pytest.mark.fault
def test_25_nothing_grows_and_nothing_fails(capsys):
    found = soak.main(["--requests", "60", "--sessions", "12", "--minutes", "0.5"])
    assert json.loads(capsys.readouterr().out) == found
    assert found["crowd"]["jobs"] >= 60 and not found["crowd"]["failed"]
    assert not sum(each["failed"] for each in found["light"].values())
    assert 12 <= found["app"]["end"]["sessions"] <= 300
    assert found["most"]["temporary_mb"] <= found["temporary_budget_mb"] + 10
    assert found["app"]["end"]["threads"] - found["app"]["begin"]["threads"] <= 4
