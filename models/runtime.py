"""Device, precision, and the compiled callable that runs a model.

Knows no particular model. Keras is imported by `start`, once, never at module level.
"""

import contextlib
import functools
import importlib.metadata
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import conversion, converted

GPUS = ("nvidia[0-9]*", "kfd", "dxg")  # what Linux calls GPUs that TensorFlow can use, in /dev
NAMES = {"tensorflow": "TensorFlow", "torch": "PyTorch", "jax": "JAX"}
DEVICES = Path("/dev")
NO_GPU = "TensorFlow finds no GPU on this machine."
_starting = threading.Lock()
# While keras-hub builds a model it swaps a base of all its classes; one traced meanwhile fails.
building = threading.Lock()


@dataclass(frozen=True)
class Device:
    """What models run on, and why."""

    name: str  # "CPU", or the GPU's name
    precision: str  # dtype policy that models are loaded with
    reason: str  # one sentence for the page
    backend: str  # Keras backend, with its version
    warning: str = ""  # what the host should know at once


def known():
    """Return the Device if it is known, without importing Keras, else None."""
    if start.device is None and _nothing_else():
        stack = f"Keras {importlib.metadata.version('keras')} on TensorFlow"
        return Device("CPU", "float32", NO_GPU, stack)
    return start.device


def start():
    """Import Keras on its backend, choose device and precision before any op, and say why.

    Returns:
        Device, the same one on every call.
    """
    with _starting:
        if start.device is None:
            start.device = _choose()
        return start.device


start.device = None


def on_cpu():
    """Whether TensorFlow runs on the CPU here, which takes no import where Linux has no GPU."""
    if start.device is None and _nothing_else():
        return True
    return _backend_asked() == "tensorflow" and start().name == "CPU"


def _nothing_else():
    """Whether it is sure that TensorFlow will run on a CPU."""
    return _backend_asked() == "tensorflow" and sys.platform == "linux" and not _gpus()


def _backend_asked():
    return os.environ.get("KERAS_BACKEND", "tensorflow")


@functools.cache
def _gpus():
    """The files of the machine's GPUs, a list of Paths."""
    return [found for name in GPUS for found in DEVICES.glob(name)]


def _choose():
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    if keras.backend.backend() != "tensorflow":
        name = _torch_gpu() or "CPU"
        return Device(name, "float32", "Another backend than TensorFlow was asked for.", _stack())
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # it warns of collections when a graph is converted
    found = tf.config.list_physical_devices("GPU")
    if not found:
        return Device("CPU", "float32", *_without_gpu())
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(found[0])
    precision, reason = _gpu_precision(details.get("compute_capability", (0, 0)))
    return Device(details.get("device_name", "GPU"), precision, reason, _stack())


def _torch_gpu():
    """The name of the GPU that PyTorch runs on, or None."""
    import keras

    if keras.backend.backend() != "torch":
        return None
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def _without_gpu():
    """The rest of a Device where TensorFlow finds no GPU: reason, backend and warning."""
    if _gpus():
        reason = (
            "This machine has a GPU that TensorFlow does not see. If NVIDIA made it, install "
            "requirements-gpu.txt in place of requirements.txt."
        )
        return reason, _stack(), "its GPU is not used"
    return NO_GPU, _stack()


def _gpu_precision(capability):
    if capability >= (8, 0):
        return "mixed_bfloat16", "The GPU multiplies in bfloat16 at full speed."
    if capability >= (7, 0):
        return "mixed_float16", "The GPU has float16 matrix units, but none for bfloat16."
    return "float32", "The GPU has no half-precision matrix units."


def _stack():
    import keras

    name = keras.backend.backend()
    return f"Keras {keras.__version__} on {NAMES.get(name, name)}"


def on_gpu(function):
    """Let ZeroGPU lend a GPU to a function, or to a generator of one, for as long as it runs.

    On hosts with the package `spaces` alone; it has to be imported before PyTorch, so this is for
    decorating at a module's top. Elsewhere the function stays what it is.
    """
    try:
        import spaces
    except ImportError:
        return function
    return spaces.GPU(function)


def compile(function, model, key=None, exact=False):
    """Make `function(model, *arrays)` a compiled callable of NumPy arrays.

    On a CPU it becomes an OpenVINO program where that is equal and not clearly slower, on a GPU a
    graph with XLA, else a plain graph.

    Args:
        function: takes the model and tensors, gives a tensor or a tuple of tensors.
        model: a Keras model or layer; its weights are captured by reference.
        key: str that stands for the model and its weights, for what is converted from them; None
            for a model that is still changing, which is never converted.
        exact: bool, never in bfloat16.

    Returns:
        Compiled: NumPy arrays in, NumPy arrays out. Each new input shape is traced and converted
        once, so callers keep the number of shapes small.
    """
    return Compiled(function, lambda: model, key, exact)


def fact(function, build, key=None, *given, make=None):
    """What `function(model, *given)` says, JSON values; where programs are kept, so is this.

    Args:
        function: takes the model and what is given.
        build: callable that gives the model, called only if the answer is not kept yet.
        key: as `compile` takes it.
        *given: JSON values that the answer hangs on, none of them a visitor's.
        make: callable, called first if the answer is not kept yet, that may have it kept.
    """
    if not (key and on_cpu()):
        return function(build(), *given)
    name = " ".join([_named(key, function), *map(repr, given)])
    return converted.fact(name, lambda: function(build(), *given), make)


def _named(key, function):
    return f"{key} {function.__module__}.{function.__qualname__}"


@dataclass(frozen=True)
class Choice:
    """What runs a function for one shape of its inputs, and why."""

    engine: str  # "OpenVINO", "TensorFlow" or another backend's name
    precision: str  # "float32", "bfloat16", "int8 weights", "mixed_bfloat16" or "mixed_float16"
    reason: str  # one clause for the page


class Compiled:
    """A function of a model, compiled as `compile` says. For one caller at a time.

    Args:
        function, key, exact: as `compile` takes them.
        build: callable that gives the model, called once something has to be traced: where a
            program is kept for what is asked, neither the model nor Keras is needed.
        make: callable of a list of arrays that may have a program for them kept, or None.
        light: bool, with int8 weights where they are many and that is faster.
    """

    def __init__(self, function, build, key=None, exact=False, make=None, light=False):
        self.name = function.__name__.strip("_").replace("_", " ")
        self.choices = {}  # by the inputs' shapes and types
        self._function, self._build = function, build
        self._key = key and _named(key, function)
        self._exact, self._light, self._make, self._runs = exact, light, make, {}

    @functools.cached_property
    def graph(self):
        """The function of the model as a tf.function."""
        return _graph(self._bound, start())

    def _traced(self, given):
        """The graph, traced for tensors or specs of them."""
        graph = self.graph
        with building:
            graph.get_concrete_function(*given)
        return graph

    @functools.cached_property
    def _bound(self):
        return functools.partial(self._function, self._build())

    def __call__(self, *arrays):
        arrays = [np.asarray(each) for each in arrays]
        kind = tuple((each.shape, each.dtype.str) for each in arrays)
        if kind not in self._runs:
            self._runs[kind], self.choices[kind] = self._chosen(arrays)
        return self._runs[kind](*arrays)

    def _chosen(self, arrays):
        if not (self._key and on_cpu()):
            return self._on_keras(start(), arrays)
        make = self._make and functools.partial(self._make, arrays)
        try:
            program = converted.program(
                lambda: self._traced(conversion.specs(arrays)),
                arrays,
                self._key,
                self._exact,
                make,
                self._light,
            )
        except converted.Unsuited as reason:
            return self._by_graph(arrays, str(reason))
        return program, Choice("OpenVINO", program.verdict.precision, program.verdict.reason)

    def _on_keras(self, device, arrays):
        if "tensorflow" not in device.backend.lower():
            return self._eager, Choice(_backend(), device.precision, "run step by step")
        return self._by_graph(arrays, "a graph, with XLA" if device.name != "CPU" else "a graph")

    def _by_graph(self, arrays, reason):
        import tensorflow as tf

        self._traced(map(tf.convert_to_tensor, arrays))
        return self._tensors, Choice("TensorFlow", start().precision, reason)

    def _tensors(self, *arrays):
        import tensorflow as tf

        outputs = self.graph(*map(tf.convert_to_tensor, arrays))
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), outputs)

    def _eager(self, *arrays):
        from keras import ops, tree

        with _no_gradients():
            outputs = self._bound(*map(ops.convert_to_tensor, arrays))
        return tree.map_structure(ops.convert_to_numpy, outputs)


def _no_gradients():
    """A context in which PyTorch keeps nothing for gradients."""
    if "PyTorch" not in start().backend:
        return contextlib.nullcontext()
    import torch

    return torch.no_grad()


def plainly(model):
    """The Choice that Keras' own functions of a model are."""
    return Choice(_backend(), model.dtype_policy.name, "run by Keras' own functions")


def _backend():
    return start().backend.rpartition(" ")[2]


def _graph(bound, device):
    import tensorflow as tf

    return tf.function(bound, reduce_retracing=False, jit_compile=device.name != "CPU")
