"""The shelf of models: single flight, eviction by bytes, failures, unknown names."""

import threading
import time

import numpy as np
import pytest

from models import catalog
from models.checks import BadInput
from models.loader import LoadError, Shelf

NAMES = [row.id for row in catalog.MODELS]


class FakeModel:
    """A model of `nbytes` bytes with nothing in it."""

    def __init__(self, nbytes):
        self.weights = [np.zeros(nbytes, np.uint8)]


@pytest.fixture
def built():
    """Ids in the order in which they were built."""
    return []


@pytest.fixture
def shelf(built):
    """A shelf with room for two models of 100 bytes, whose builds take a moment."""

    def build(row):
        time.sleep(0.02)
        built.append(row.id)
        return FakeModel(100)

    return Shelf(250, build, identify=lambda row: None)


@pytest.mark.fault
def test_twenty_five_threads_cause_one_load(shelf, built):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(shelf.load(NAMES[0]))) for _ in range(25)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [NAMES[0]]
    assert len(answers) == 25 and len({id(answer) for answer in answers}) == 1


def test_one_load_at_a_time():
    loading, most = [], []

    def build(row):
        loading.append(row.id)
        most.append(len(loading))
        time.sleep(0.02)
        loading.remove(row.id)
        return FakeModel(1)

    shelf = Shelf(250, build, identify=lambda row: None)
    threads = [threading.Thread(target=shelf.load, args=(name,)) for name in NAMES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * len(NAMES)


def test_least_recently_used_goes_first(shelf):
    shelf.load(NAMES[0])
    shelf.load(NAMES[1])
    shelf.load(NAMES[0])
    shelf.load(NAMES[2])
    assert [loaded.row.id for loaded in shelf.models()] == [NAMES[0], NAMES[2]]


@pytest.mark.fault
def test_a_model_in_use_stays_and_goes_when_idle(shelf):
    with shelf.use(NAMES[0]), shelf.use(NAMES[1]):
        shelf.load(NAMES[2])
        assert {NAMES[0], NAMES[1]} <= {loaded.row.id for loaded in shelf.models()}
    assert len(shelf.models()) == 2


def test_a_failure_is_not_kept():
    outcomes = [OSError("disk"), FakeModel(1)]

    def build(row):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    shelf = Shelf(250, build, identify=lambda row: None)
    with pytest.raises(LoadError, match=NAMES[0]):
        shelf.load(NAMES[0])
    assert shelf.load(NAMES[0]).row.id == NAMES[0]


@pytest.mark.fault
def test_all_who_wait_for_a_load_that_fails_get_its_error():
    outcomes, told = [OSError("disk"), FakeModel(1)], []

    def build(row):
        time.sleep(0.2)
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def ask():
        try:
            shelf.load(NAMES[0])
        except LoadError as error:
            told.append(str(error))

    shelf = Shelf(250, build, identify=lambda row: None)
    threads = [threading.Thread(target=ask) for _ in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 25 and len(set(told)) == 1 and len(outcomes) == 1
    assert shelf.load(NAMES[0]).row.id == NAMES[0], "a later try works"


@pytest.mark.fault
def test_models_over_the_budget_take_turns(shelf, built):
    for _ in range(3):
        for name in NAMES[:3]:
            with shelf.use(name) as loaded:
                assert loaded in shelf.models(), "one in use is never put away"
                assert sum(each.nbytes for each in shelf.models()) <= 250
    assert len(built) == 9 and shelf.counts == {"loads": 9, "evictions": 7}


def test_idle_models_can_be_put_away(shelf):
    with shelf.use(NAMES[0]):
        shelf.load(NAMES[1])
        shelf.evict_idle()
        assert [loaded.row.id for loaded in shelf.models()] == [NAMES[0]]


def test_an_unknown_name_is_answered_with_the_known_ones(shelf, built):
    with pytest.raises(BadInput, match="efficientnetv2_caltech101, resnet_cifar10"):
        shelf.load("efficientnet")
    assert built == []
