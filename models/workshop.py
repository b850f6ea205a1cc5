"""Makes programs and facts of models in a process of its own, which ends when it has no work.

Importing Keras, building a model and converting it take memory that Python never gives back. What
comes of it is kept on disk; so the app asks for it here, reads it there, and itself stays small.
"""

import atexit
import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from models import apart
from models.rows import Model, Published

IDLE = 60  # seconds without work until the process ends
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A function of a model that is wanted as a program, or what it tells as a fact."""

    row: Model
    budget: int  # bytes that the app's models may hold, which decides on their precision
    function: Callable  # of a module's top level
    given: tuple  # of a program: arrays of the shapes that it takes; of a fact: its arguments
    fact: bool
    exact: bool = False  # as `runtime.compile` takes it
    light: bool = False  # as `runtime.Compiled` takes it

    def work(self, bench):
        """Do it there; gives nothing, since what comes of it is on disk."""
        bench.make(self)


@dataclass(frozen=True)
class Call:
    """A function whose result is wanted back."""

    function: Callable  # of a module's top level
    given: tuple  # its arguments

    def work(self, _):
        """Give its result."""
        return self.function(*self.given)


class Workshop:
    """The process, started when there is work. Closed at first: then nothing is made here.

    Args:
        idle: seconds without work until the process ends.
    """

    def __init__(self, idle=IDLE):
        self._idle = idle
        self._process, self._timer = None, None
        self._lock = threading.Lock()
        self.opened = False

    def open(self):
        """Take jobs from now on."""
        self.opened = True

    def start(self):
        """Start the process ahead of the first job, without waiting for it."""
        with self._lock:
            self._launch()
            self._rest()

    def make(self, job):
        """Have a Job done, so that it is on disk; what cannot be done is left to the caller.

        Raises:
            MemoryError: the system killed the process.
        """
        try:
            self._ask(job)
        except OSError as error:  # no process can be begun
            log.warning("%s was not made apart (%s)", job.function.__qualname__, error)
        except apart.Ended:
            log.warning("%s was not made apart", job.function.__qualname__)

    def call(self, function, *given):
        """Return what a function gives that needs Keras; run here where the workshop is closed.

        Raises:
            MemoryError: the system killed the process.
            RuntimeError: the process ended; its log says why.
        """
        return self._ask(Call(function, given)) if self.opened else function(*given)

    def _ask(self, job):
        with self._lock:
            try:
                self._launch()
                return self._process.ask(job)
            except apart.Ended:
                if self.opened and self._process.killed:
                    raise MemoryError from None
                raise
            finally:
                self._rest()

    def stop(self):
        """End the process, whatever it is doing."""
        self.opened = False
        if self._process:
            self._process.kill()

    def _launch(self):
        if self._timer:
            self._timer.cancel()
        if self._process is None or not self._process.alive:
            self._process = apart.Process("models.workshop", {})

    def _rest(self):
        self._timer = threading.Timer(self._idle, self._end_if_idle)
        self._timer.daemon = True
        self._timer.start()

    def _end_if_idle(self):
        with self._lock:
            # Else a job has come meanwhile, or no process could be begun.
            if self._process and threading.current_thread() is self._timer:
                self._process.kill()


# Apart from each other, since what is published may take minutes to make.
bundled, published = Workshop(), Workshop()


def of(row):
    """The Workshop that a row's jobs go to."""
    return published if isinstance(row, Published) else bundled


def stop():
    """End all processes."""
    bundled.stop()
    published.stop()


atexit.register(stop)


class _Bench:
    """What the process holds: the model of its last job."""

    def __init__(self):
        self._loaded = None

    def make(self, job):
        """Do a Job."""
        from models import loader, runtime

        loader.set_budget(job.budget)
        if self._loaded is None or self._loaded.row != job.row:
            self._loaded = None  # its memory goes before the next one's comes
            self._loaded = loader.unshelved(job.row)
        loaded = self._loaded
        if job.fact:
            loaded.told(job.function, *job.given)
        else:  # not kept here: the program's memory goes with it
            build = functools.partial(getattr, loaded, "model")
            made = runtime.Compiled(job.function, build, loaded.key, job.exact, light=job.light)
            made(*job.given)


def _prepare():
    from models import runtime

    runtime.start()
    import keras_hub  # noqa: F401


if __name__ == "__main__":
    bench = _Bench()
    apart.serve(_prepare, lambda job: job.work(bench))
