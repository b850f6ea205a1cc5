"""Rounds the weights of a network's products to 8 bits, so that a quarter of their bytes is read.

Knows no model. A step of a language model multiplies one row by every weight once, which takes as
long as memory takes to hand them over. Nothing but weights is rounded: each output channel of a
product has a scale of its own, and sums are taken in float32 (Dettmers et al. 2022, 2.1).
"""

import numpy as np

LARGE = 25_000_000  # weights: 100 MB in float32, more than most processors keep in their caches
LEVELS = 127  # of an int8 on either side of zero


def light(network):
    """A copy of an openvino.Model with int8 weights in its products; None if it has too few."""
    from openvino.passes import ConstantFolding, Manager

    copy = network.clone()
    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(copy)
    products = [node for node in copy.get_ordered_ops() if _weighs(node)]
    if sum(node.input_value(1).get_node().data.size for node in products) < LARGE:
        return None
    for node in products:
        node.input(1).replace_source_output(_rounded(node))
    return copy


def _weighs(node):
    """Whether a node multiplies by a matrix of float32 weights."""
    if node.get_type_name() != "MatMul":
        return False
    weights = node.input_value(1)
    return (
        weights.get_node().get_type_name() == "Constant"
        and weights.get_element_type().get_type_name() == "f32"
        and len(weights.get_shape()) == 2
    )


def _rounded(product):
    """A product's weights as OpenVINO's CPU plugin recognises them: int8, made float32 and scaled.

    Args:
        product: MatMul whose second input is a Constant (outputs, inputs), or (inputs, outputs).
    """
    from openvino import opset13 as ops

    weights = product.input_value(1).get_node().data
    summed = 1 if product.get_attributes()["transpose_b"] else 0
    largest = np.abs(weights).max(axis=summed, keepdims=True)
    scale = np.where(largest > 0, largest / LEVELS, 1).astype("float32")
    whole = ops.constant(np.round(weights / scale).astype("int8"))
    return ops.multiply(ops.convert(whole, "f32"), ops.constant(scale)).output(0)
