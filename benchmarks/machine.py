"""What the machine could do at best: matrix products and reading memory.

Knows no model. The bounds are measured through the same libraries that run the models.
"""

import os
import platform

import numpy as np

from benchmarks import timing
from models import converted

SIDE = 2048  # of the matrices
ROOM = 64_000_000  # float32 numbers read to measure the bandwidth, more than caches hold


def bounds():
    """The machine's limits.

    Returns:
        dict: `cpu`, `cores`, `gflops` by precision, `bandwidth_gb_s`.
    """
    core = converted.core()
    return {
        "cpu": core.get_property("CPU", "FULL_DEVICE_NAME"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "gflops": {precision: round(_gflops(precision)) for precision in converted.precisions()},
        "bandwidth_gb_s": round(_bandwidth(), 1),
    }


def _gflops(precision):
    import openvino
    from openvino import opset13 as ops

    weights = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    given = ops.parameter([SIDE, SIDE], np.float32)
    product = ops.matmul(given, ops.constant(weights), False, False)
    network = openvino.Model([ops.result(product)], [given], "product")
    program = converted.Program(network, converted.Verdict(precision, "", (0,)))
    spent = timing.in_turns({"product": lambda: program(weights)})["product"].median
    return 2 * SIDE**3 / spent / 1e9


def _bandwidth():
    numbers = np.ones(ROOM, np.float32)
    spent = timing.in_turns({"read": lambda: numbers.max()})["read"].median
    return numbers.nbytes / spent / 1e9
