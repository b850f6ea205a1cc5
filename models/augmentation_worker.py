"""Run augmentation code in a process of its own, which starts once and stays.

Knows no layer and no page. keras-cv draws from TensorFlow's global random state, and
`tf.random.set_seed` makes a process build every compiled function anew: here that touches no model,
and nothing else draws in between, so that a seed gives the same images each time.
"""

import atexit
import importlib.util
import threading
import traceback

from models import apart
from models.checks import BadInput

DEADLINE = 60  # seconds for one chain
NEEDED = ("tensorflow", "keras_cv")
MISSING = (
    "Augmentation runs on TensorFlow and keras-cv, and this machine has not both. The other tabs "
    "work without. Whoever hosts this app can install requirements.txt."
)
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
                answer = process.ask((code, images, labels))
            except apart.Ended as ended:
                answer = str(ended)
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

    def _ready(self):
        if not all(map(importlib.util.find_spec, NEEDED)):
            raise BadInput(MISSING)
        if self._process is None or not self._process.alive:
            self._process = apart.Process("models.augmentation_worker", _SETTINGS)
            self._process.wait()
        return self._process


def _end(process, late):
    late.set()
    process.kill()


worker = Worker()
atexit.register(worker.stop)


def _prepare():
    import keras_cv  # noqa: F401
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")


def _result(job):
    code, images, labels = job
    space = {"images": images, "labels": labels}
    try:
        exec(compile(code, "chain.py", "exec"), space)
    except Exception:
        return traceback.format_exc()
    return space["augmented"], space["mixed"]


if __name__ == "__main__":
    apart.serve(_prepare, _result)
