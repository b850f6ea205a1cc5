"""A process of its own that answers jobs, one at a time, over its standard streams.

Knows no job: a module that is run apart says what to do with them.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path


class Ended(RuntimeError):
    """The process ended before it answered; its log says why."""


class Process:
    """Runs `python -m module`, which has to call `serve`. For one caller at a time.

    Args:
        module: str, its name.
        settings: dict of str to str, added to the environment.
    """

    def __init__(self, module, settings):
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, **settings},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches the app, whose end then closes our input
        )
        self._ready = False

    @property
    def alive(self):
        """Whether it still runs."""
        return self._process.poll() is None

    @property
    def killed(self):
        """Whether the system killed it, as it does where memory runs out."""
        return self._process.poll() == -signal.SIGKILL

    def ask(self, job):
        """Return its answer to a job, any value that can be pickled.

        Raises:
            Ended: there is none.
        """
        self.wait()
        with contextlib.suppress(BrokenPipeError):
            pickle.dump(job, self._process.stdin)
            self._process.stdin.flush()
        return self._heard()

    def wait(self):
        """Wait until it can work. Raises as `ask`."""
        if not self._ready:
            self._heard()
            self._ready = True

    def _heard(self):
        try:
            return pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=5)  # else what ended it is not known yet
            self.kill()
            raise Ended("the process ended before it answered") from None

    def kill(self):
        """End it."""
        if self.alive:
            self._process.kill()
        self._process.wait()


def serve(prepare, work):
    """Answer jobs from standard input with `work(job)` until it closes.

    Args:
        prepare: callable, called once before the first job is taken.
        work: callable of a job; what it raises ends the process.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not reach the answers
    prepare()
    with contextlib.suppress(EOFError, BrokenPipeError):  # whoever asked is gone
        _say(answers, "ready")
        while True:
            _say(answers, work(pickle.load(sys.stdin.buffer)))


def _say(stream, value):
    pickle.dump(value, stream)
    stream.flush()
