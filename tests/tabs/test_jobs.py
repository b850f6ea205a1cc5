"""What wraps every handler: secrets kept, the deadline, one more try when memory runs out."""

import time

import gradio as gr
import pytest

from models import loader, text_to_image
from models.checks import BadInput
from tabs import jobs
from tabs import text_to_image as drawing

pytestmark = pytest.mark.fault
SECRET = "token hf_abcdef at /home/someone"


@jobs.guarded
def fails(error):
    """Raise what it is given."""
    raise error


@jobs.guarded
def fails_on_the_way(error):
    """Give one value, then raise what it is given."""
    yield 1
    raise error


@pytest.mark.parametrize("run", [fails, lambda error: list(fails_on_the_way(error))])
def test_what_an_exception_holds_stays_in_the_log(run, caplog):
    with pytest.raises(gr.Error) as shown:
        run(RuntimeError(SECRET))
    message = shown.value.message
    assert SECRET not in message and not shown.value.print_exception
    number = message.split()[-1].rstrip(".")
    assert number in caplog.text and SECRET in caplog.text


@pytest.mark.parametrize("run", [fails, lambda error: list(fails_on_the_way(error))])
def test_what_the_visitor_can_mend_is_said(run):
    with pytest.raises(gr.Error, match="Type something"):
        run(BadInput("The text is empty. Type something."))


def test_what_is_said_already_is_passed_on_by_a_handler_around_it():
    """Raised from itself, it once had the search for a full disk go round for ever."""
    with pytest.raises(gr.Error, match="Type something") as shown:
        jobs.guarded(fails)(BadInput("Type something first."))
    assert isinstance(shown.value.__cause__, BadInput)


def test_a_job_ends_at_the_deadline(monkeypatch):
    monkeypatch.setitem(jobs._limits, "deadline", 0.0)
    closed = []

    @jobs.guarded
    def endless():
        try:
            while True:
                yield len(closed)
        finally:
            closed.append(True)

    coming = endless()
    assert next(coming) == 0, "what came so far is given"
    with pytest.raises(gr.Error, match="more than 0 s"):
        next(coming)
    assert closed


def test_a_job_that_is_dropped_while_it_waits_is_closed(monkeypatch):
    monkeypatch.setattr(jobs, "FORGOTTEN", 0.05)
    closed = []

    @jobs.guarded
    def counting():
        try:
            yield from range(9)
        finally:
            closed.append(True)

    dropped, wanted = counting(), counting()
    assert next(dropped) == 0
    time.sleep(0.1)
    assert next(wanted) == 0
    jobs.close_forgotten()
    assert len(closed) == 1, "only the one that nobody takes anything from"
    assert list(wanted) == list(range(1, 9)) and not jobs._given
    with pytest.raises(gr.Error, match="Start it again"):
        next(dropped)


class TooFewBytes:
    """Runs out of memory as often as it is told, then answers."""

    def __init__(self, times):
        self.times = times

    def __call__(self):
        self.times -= 1
        if self.times >= 0:
            raise MemoryError
        return "answer"


@pytest.fixture
def evictions(monkeypatch):
    """Counts how often idle models were put away."""
    counted = []
    monkeypatch.setattr(loader, "evict_idle", lambda: counted.append(True))
    return counted


@pytest.mark.parametrize("stream", [False, True])
def test_out_of_memory_is_tried_once_more_without_idle_models(stream, evictions):
    work = TooFewBytes(times=1)

    def streamed():
        yield work()

    run = jobs.guarded(streamed if stream else lambda: work())
    assert (next(run()) if stream else run()) == "answer" and len(evictions) == 1
    work.times = 2
    with pytest.raises(gr.Error, match="not enough memory"):
        next(run()) if stream else run()
    work.times = 0
    assert (next(run()) if stream else run()) == "answer", "the app lives"


@pytest.mark.parametrize("stream", [False, True])
def test_the_second_try_is_the_smaller_one_where_there_is_one(stream, evictions):
    work = TooFewBytes(times=1)

    def streamed():
        yield work()

    def less():
        return iter(["less"]) if stream else "less"

    run = jobs.guarded(streamed if stream else lambda: work(), smaller=less)
    assert (next(run()) if stream else run()) == "less" and len(evictions) == 1
    assert (next(run()) if stream else run()) == "answer"


def test_drawing_has_a_smaller_try(monkeypatch, evictions):
    """Of two pictures that do not fit into memory at once, each is drawn for itself."""
    tried, draw = [], text_to_image.generate

    def generate(at_once=4, **values):
        tried.append(at_once)
        if at_once > 1:
            raise MemoryError
        return draw(at_once=at_once, **values)

    monkeypatch.setattr(text_to_image, "generate", generate)
    values = ["a dog", "", "stable_diffusion_picture_book", 1, 4.0, 2, 7]
    (pictures, *_) = list(drawing._draw(*values))[-1]
    assert tried == [4, 1] and len(evictions) == 1 and len(pictures) == 2
