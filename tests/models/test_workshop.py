"""The workshop: jobs done in a process of its own, which ends when idle and may fail."""

import logging
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from models import apart, catalog, classification, converted, loader
from models.workshop import Job, Workshop, bundled, of, published

ROW = catalog.get("resnet_cifar10")
PIXELS = np.zeros((1, 32, 32, 3), "uint8")
FIRST_START = """
import sys
from models import classification, sentiment
from models import workshop
workshop.bundled.open()
found = classification.classify(sys.argv[1], "efficientnetv2_picture_book")
print(found.predictions[0].label, found.run.engine)
print(round(sentiment.score("Not good at all.").positive, 3))
print(*sorted({"keras", "tensorflow", "torch"} & set(sys.modules)))
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Folder of programs, empty, here and in processes begun from here."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return converted.cache()


@pytest.fixture
def workshop():
    """An open Workshop that rests for half a second."""
    made = Workshop(idle=0.5)
    made.open()
    yield made
    made.stop()


def fact(function, *given):
    return Job(ROW, loader.budget(), function, given, fact=True)


def until(true):
    limit = time.monotonic() + 30
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.05)


@pytest.mark.slow
def test_a_first_start_with_a_workshop_answers_without_keras(cache):
    picture = str(ROW.folder.parents[1] / "examples" / "sunflower.jpg")
    command = [sys.executable, "-c", FIRST_START, picture]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    named, scored, imported = ran.stdout.splitlines()
    if "OpenVINO" not in named:
        pytest.skip("this machine runs it on TensorFlow")
    assert named.startswith("sunflower") and float(scored) < 0.5
    assert imported == ""


@pytest.mark.slow
def test_programs_and_facts_are_on_disk_afterwards(cache, workshop):
    workshop.make(fact(classification.expects))
    facts = set(cache.glob("*.json"))
    assert len(facts) == 1 and facts.pop().read_text() == '{"size": [32, 32], "crop": true}'
    job = Job(ROW, loader.budget(), classification.probabilities, (PIXELS,), fact=False)
    workshop.make(job)
    assert [each.name for each in cache.glob("*/verdict.json")] == ["verdict.json"]


@pytest.mark.slow
def test_it_ends_when_idle_and_starts_again(cache, workshop):
    workshop.make(fact(classification.expects))
    first = workshop._process
    until(lambda: not first.alive)
    workshop.make(fact(loader.weight_bytes))
    assert workshop._process is not first and len(list(cache.glob("*.json"))) == 2


@pytest.mark.slow
def test_what_fails_there_is_left_to_the_caller(cache, workshop, caplog):
    with caplog.at_level(logging.WARNING):
        workshop.make(fact(classification.expects, "one argument too many"))
    assert "expects was not made apart" in caplog.text
    workshop.make(fact(classification.expects))
    assert len(list(cache.glob("*.json"))) == 1


def test_where_no_process_can_be_begun_the_job_is_left_to_the_caller(
    cache, workshop, monkeypatch, caplog
):
    monkeypatch.setattr(sys, "executable", str(cache / "no python"))
    with caplog.at_level(logging.WARNING):
        workshop.make(fact(classification.expects))
    assert "expects was not made apart" in caplog.text and not cache.exists()


@pytest.mark.slow
def test_what_ended_when_idle_is_not_taken_for_memory_that_ran_out(cache, workshop, monkeypatch):
    workshop.make(fact(classification.expects))
    until(lambda: not workshop._process.alive)
    monkeypatch.setattr(sys, "executable", str(cache / "no python"))
    workshop.make(fact(loader.weight_bytes))
    assert len(list(cache.glob("*.json"))) == 1


@pytest.mark.slow
def test_a_process_that_the_system_kills_is_memory_that_ran_out(cache, workshop):
    workshop.start()
    killer = threading.Timer(1, lambda: workshop._process._process.kill())
    killer.start()
    with pytest.raises(MemoryError):
        workshop.make(fact(classification.expects))
    killer.join()


def test_what_is_published_holds_up_nothing_bundled():
    assert of(ROW) is bundled and of(catalog.PUBLISHED[0]) is published


def test_a_closed_one_is_not_asked(cache, monkeypatch):
    """From a notebook everything happens in its own process."""
    monkeypatch.setattr(bundled, "make", lambda job: pytest.fail("it was asked"))
    loaded = loader.Loaded(ROW, lambda: "a model", key="some weights")
    assert loaded.told(len) == len("a model")


def summed(*numbers):
    return sum(numbers)


def failing():
    raise ValueError("it never works")


@pytest.mark.slow
def test_a_call_gives_its_result(workshop):
    assert workshop.call(summed, 1, 2) == 3
    with pytest.raises(apart.Ended):
        workshop.call(failing)
    assert workshop.call(summed, 3, 4) == 7, "another process takes over"


def test_where_it_is_closed_a_call_runs_here():
    assert Workshop().call(summed, 1, 2) == 3
    with pytest.raises(ValueError, match="never works"):
        Workshop().call(failing)
