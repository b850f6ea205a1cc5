"""Run augmentation code in a process of its own, which starts once and stays.

Knows no layer and no page. keras-cv draws from TensorFlow's global random state, and
`tf.random.set_seed` makes a process build every compiled function anew: here that touches no model,
and nothing else draws in between, so that a seed gives the same images each time.
"""

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path

from models.checks import BadInput

DEADLINE = 60  # seconds for one chain
_SETTINGS = {
    "CUDA_VISIBLE_DEVICES": "-1",  # beside a model, augmentation belongs on the CPU
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


class Worker:
    """The process, started when first wanted and again whenever it ended. One job at a time.

    Args:
        deadline: seconds that a job may take before the process is ended.
    """

    def __init__(self, deadline=DEADLINE):
        self._deadline = deadline
        self._process = None
        self._lock = threading.Lock()

    def start(self):
        """Start the process and wait until it can work, about 10 seconds."""
        with self._lock:
            self._ready()

    def run(self, code, images, labels):
        """Run code that reads `images` and `labels` and leaves `augmented` and `mixed`.

        Args:
            code: str of Python from `augmentation_chain.code`.
            images: array (n, height, width, 3) of uint8.
            labels: array (n, classes) of float32.

        Returns:
            The two arrays that it leaves.

        Raises:
            BadInput: it took longer than the deadline.
            RuntimeError: it failed, or the process ended.
        """
        with self._lock:
            process = self._ready()
            late = threading.Event()
            timer = threading.Timer(self._deadline, _end, (process, late))
            timer.start()
            try:
                answer = _ask(process, (code, images, labels))
            finally:
                timer.cancel()
        if late.is_set():
            raise BadInput(
                f"The chain took longer than {self._deadline:g} seconds and was stopped. "
                "Use fewer layers, fewer variants or a smaller size."
            )
        if isinstance(answer, str):
            raise RuntimeError(f"the augmentation failed:\n{answer}")
        return answer

    def stop(self):
        """End the process."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def _ready(self):
        if self._process is None or self._process.poll() is not None:
            self._process = _launched()
        return self._process


def _launched():
    process = subprocess.Popen(
        [sys.executable, "-m", "models.augmentation_worker"],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **_SETTINGS},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches the app, whose end then closes our input
    )
    if _read(process) != "ready":
        raise RuntimeError("the augmentation process could not start; its log says why")
    return process


def _ask(process, job):
    with contextlib.suppress(BrokenPipeError):
        pickle.dump(job, process.stdin)
        process.stdin.flush()
    return _read(process)


def _read(process):
    try:
        return pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError):
        process.kill()
        process.wait()
        return "the process ended before it answered"


def _end(process, late):
    late.set()
    process.kill()


worker = Worker()
atexit.register(worker.stop)


def main():
    """Answer jobs from standard input until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not reach the answers
    import keras_cv  # noqa: F401

    _quiet()
    _send(answers, "ready")
    with contextlib.suppress(EOFError):
        while True:
            _send(answers, _result(*pickle.load(sys.stdin.buffer)))


def _quiet():
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def _result(code, images, labels):
    space = {"images": images, "labels": labels}
    try:
        exec(compile(code, "chain.py", "exec"), space)
    except Exception:
        return traceback.format_exc()
    return space["augmented"], space["mixed"]


def _send(stream, value):
    pickle.dump(value, stream)
    stream.flush()


if __name__ == "__main__":
    main()
