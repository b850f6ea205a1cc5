"""What the machine could do at best: matrix products and reading memory.

Knows no model. The bounds are measured through the same libraries that run the models. A network's
own bound is the longer of two times: that of its products at the matrix rate, and that of reading
its weights once at the bandwidth (the roofline of Williams et al. 2009). Convolutions by Winograd's
method (Lavin and Gray 2016) multiply less than is counted here, and can be quicker.
"""

import os
import platform

import numpy as np

from benchmarks import timing
from models import converted

SIDE = 2048  # of the matrices
BYTES = {"float32": 4, "bfloat16": 2, converted.LIGHT: 1}  # of a weight
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


def demands(network):
    """What one run of an openvino.Model asks for, loops not counted.

    Returns:
        dict: `gflop`, multiplications and additions of its products and convolutions, and
        `weights`, millions of numbers that it reads; tables of which it takes rows do not count.
    """
    work = held = 0
    for node in network.get_ordered_ops():
        kind = node.get_type_name()
        if kind == "Constant" and not _looked_up(node):
            held += int(np.prod(node.output(0).get_shape()))
        elif kind in _TERMS:
            work += 2 * int(np.prod(node.output(0).get_shape())) * _TERMS[kind](node)
    return {"gflop": round(work / 1e9, 6), "weights": round(held / 1e6, 6)}


def _looked_up(constant):
    """Whether nothing is done with a constant but to gather rows of it."""
    return all(
        place.get_node().get_type_name() == "Gather" and place.get_index() == 0
        for place in constant.output(0).get_target_inputs()
    )


def shortest(line, found):
    """Milliseconds that a line's network takes at least on a machine, by precision.

    Args:
        line: dict with `demands`' figures.
        found: dict as of `bounds`.
    """
    rates = dict(found["gflops"])
    if f"OpenVINO {converted.LIGHT}" in line["milliseconds"]:
        rates[converted.LIGHT] = rates["float32"]  # that its products are summed in
    return {
        precision: max(
            1000 * line["gflop"] / rate,
            line["weights"] * BYTES[precision] / found["bandwidth_gb_s"],
        )
        for precision, rate in rates.items()
    }


def _matmul_terms(node):
    shape = node.input(0).get_shape()
    return int(shape[-2] if node.get_attributes()["transpose_a"] else shape[-1])


_TERMS = {  # products that are summed for each number of the output
    "MatMul": _matmul_terms,
    "Convolution": lambda node: int(np.prod(node.input(1).get_shape()[1:])),
    "GroupConvolution": lambda node: int(np.prod(node.input(1).get_shape()[2:])),
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
