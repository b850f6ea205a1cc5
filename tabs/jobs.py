"""What wraps every handler of a tab: readable errors, a deadline, room when memory is short.

Knows no particular tab and runs no model.
"""

import contextlib
import functools
import inspect
import logging
import threading
import time
import uuid

import gradio as gr

from models import loader
from models.checks import BadInput
from models.loader import LoadError
from models.sources import Trouble
from serving import metrics, temporary

SAID = (BadInput, LoadError, Trouble)  # errors whose message is for the visitor
DEADLINE = 1200.0  # seconds that a job may take, unless told otherwise
FORGOTTEN = 30.0  # seconds; whoever waits for a job takes each result at once
DROPPED = "Nobody seemed to wait for this any more, so it was stopped. Start it again."
log = logging.getLogger(__name__)
_limits = {"deadline": DEADLINE}
_given = {}  # generators that wait for their result to be taken, to the time since


def set_deadline(seconds):
    """Let a job that gives results on the way take this long at most, from now on."""
    _limits["deadline"] = float(seconds)


def guarded(handler, smaller=None):
    """Wrap a handler, so that what it raises becomes an error that the visitor can act on.

    SAID show their own message. Anything else shows an error id and nothing of the exception,
    whose trace goes to the log under that id. A job that ran out of memory is tried once more when
    the models that nobody uses are gone. A generator ends at the deadline, since one that nobody
    watches would run on.

    Args:
        handler: function or generator function of a tab.
        smaller: function of the same arguments for the second try, which gives the same with less
            memory; None where there is no such way.
    """
    name, again = handler.__name__.strip("_"), smaller or handler
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def guard(*values):
            job = _in_time(name, handler, again, values)
            try:
                for value in job:
                    _given[job] = time.monotonic()
                    yield value
                    if _given.pop(job, None) is None:
                        raise gr.Error(DROPPED, print_exception=False)
            finally:
                _given.pop(job, None)
                job.close()
    else:

        @functools.wraps(handler)
        def guard(*values):
            with _watched(name):
                try:
                    return handler(*values)
                except Exception as error:
                    _make_room(error)
                    return again(*values)

    return guard


def close_forgotten():
    """Close the jobs that gave a result which nobody has taken for FORGOTTEN seconds.

    Gradio drops a job that is cancelled in its first step without closing it. It would keep its
    model from eviction until chance collects it.
    """
    for job, since in list(_given.items()):
        if time.monotonic() - since > FORGOTTEN:
            _given.pop(job, None)
            with contextlib.suppress(ValueError):  # it runs again after all
                job.close()


def start_cleaning():
    """Run `close_forgotten` now and then, in a thread of its own."""

    def clean():
        while True:
            time.sleep(FORGOTTEN / 4)
            close_forgotten()

    threading.Thread(target=clean, daemon=True, name="forgotten jobs").start()


@contextlib.contextmanager
def _watched(name):
    """Count and time a job, and turn its exception into a gr.Error."""
    outcome = metrics.STOPPED
    with metrics.running(name) as ended:
        try:
            yield
            outcome = metrics.DONE
        except gr.Error:  # says already what the visitor is to know
            outcome = metrics.REFUSED
            raise
        except Exception as error:
            outcome = metrics.REFUSED if isinstance(error, SAID) else metrics.FAILED
            raise _shown(error) from error
        finally:
            ended(outcome)


def _in_time(name, handler, again, values):
    """Run a generator within the deadline, watched."""
    began, given = time.monotonic(), False
    with _watched(name):
        try:
            for value in handler(*values):
                yield value
                given = True
                if time.monotonic() - began > _limits["deadline"]:
                    raise BadInput(
                        f"This took more than {_limits['deadline']:.0f} s, which is the most that "
                        "one job may take here. What came so far stays; ask for less."
                    )
        except Exception as error:
            if given:
                raise
            _make_room(error)
            yield from again(*values)


def _make_room(error):
    """Put idle models away if memory ran out; raise any other error again."""
    if not _out_of_memory(error):
        raise error
    log.warning("out of memory: models that nobody uses are put away, and it is tried once more")
    loader.evict_idle()


def _out_of_memory(error):
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def _shown(error):
    if isinstance(error, SAID):
        return gr.Error(str(error), title="That did not work", print_exception=False)
    if temporary.full(error):
        return gr.Error(temporary.NO_ROOM, title="That did not work", print_exception=False)
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=error)
    told = "Something failed on our side. Try again"
    if _out_of_memory(error):
        told = "There is not enough memory for this now. Ask for less, or try again later"
    return gr.Error(
        f"{told}; if it stays so, report error {number}.",
        title="That did not work",
        print_exception=False,
    )
