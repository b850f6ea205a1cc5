"""Device, precision, and the compiled callable that runs a model.

Knows no particular model. Keras is imported by `start`, once, never at module level.
"""

import functools
import os
import threading
from dataclasses import dataclass

_starting = threading.Lock()


@dataclass(frozen=True)
class Device:
    """What models run on, and why."""

    name: str  # "CPU", or the GPU's name
    precision: str  # dtype policy that models are loaded with
    reason: str  # one sentence for the page
    backend: str  # Keras backend, with its version


def started():
    """Return the Device if Keras has been imported and a device chosen, else None."""
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


def _choose():
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    if keras.backend.backend() != "tensorflow":
        return Device("CPU", "float32", "Another backend than TensorFlow was asked for.", _stack())
    import tensorflow as tf

    found = tf.config.list_physical_devices("GPU")
    if not found:
        reason = "TensorFlow finds no GPU on this machine."
        return Device("CPU", "float32", reason, _stack())
    for gpu in found:
        tf.config.experimental.set_memory_growth(gpu, True)
    details = tf.config.experimental.get_device_details(found[0])
    precision, reason = _gpu_precision(details.get("compute_capability", (0, 0)))
    return Device(details.get("device_name", "GPU"), precision, reason, _stack())


def _gpu_precision(capability):
    if capability >= (8, 0):
        return "mixed_bfloat16", "The GPU multiplies in bfloat16 at full speed."
    if capability >= (7, 0):
        return "mixed_float16", "The GPU has float16 matrix units, but none for bfloat16."
    return "float32", "The GPU has no half-precision matrix units."


def _stack():
    import keras

    return f"Keras {keras.__version__} on {keras.backend.backend().title()}"


def compile(function, model):
    """Make `function(model, *arrays)` a compiled callable of NumPy arrays.

    Args:
        function: takes the model and nested structures of tensors, gives the same.
        model: a Keras model or layer; its weights are captured by reference.

    Returns:
        callable(*arrays): nested NumPy arrays in, nested NumPy arrays out. Each new input shape
        is traced once, so callers keep the number of shapes small.
    """
    device = start()
    bound = functools.partial(function, model)
    if "tensorflow" not in device.backend.lower():
        return _eager(bound)
    import tensorflow as tf

    graph = tf.function(bound, reduce_retracing=False, jit_compile=device.name != "CPU")

    def run(*arrays):
        given = tf.nest.map_structure(tf.convert_to_tensor, arrays)
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), graph(*given))

    return run


def _eager(bound):
    from keras import ops, tree

    def run(*arrays):
        outputs = bound(*tree.map_structure(ops.convert_to_tensor, arrays))
        return tree.map_structure(ops.convert_to_numpy, outputs)

    return run
