"""A TensorFlow graph as an OpenVINO network, with the rule that OpenVINO's converter lacks.

Knows no model, and not whether the network is equal or faster.
"""

import numpy as np


def specs(arrays):
    """What a graph is traced for, so that `convert` knows its inputs again."""
    import tensorflow as tf

    return [tf.TensorSpec(each.shape, each.dtype, name=f"x{at}") for at, each in enumerate(arrays)]


def convert(traced):
    """Convert a traced function, its weights included.

    Args:
        traced: tf.ConcreteFunction with inputs named x0, x1 and so on.

    Returns:
        (openvino.Model with outputs in the order of the function's, the arguments it takes in the
        order of its inputs, a tuple of int: those that have no effect are gone).
    """
    import openvino
    from openvino.frontend.tensorflow import ConversionExtension

    rules = [ConversionExtension("XlaDynamicUpdateSlice", _update_slice)]
    network = openvino.convert_model(traced, extension=rules)
    by_name = {name: place for place in network.outputs for name in place.names}
    wanted = [by_name[each.name] for each in traced.outputs]
    results = [openvino.opset13.result(place.get_node().input_value(0)) for place in wanted]
    network = openvino.Model(results, network.get_parameters(), "program")
    names = [place.any_name for place in network.inputs]
    return network, tuple(int(name.removeprefix("x").partition(":")[0]) for name in names)


def _update_slice(node):
    """XlaDynamicUpdateSlice, for which OpenVINO has no rule, as ScatterNDUpdate.

    Keras' `slice_update` becomes one; a cache of keys and values is written with it. Dimensions
    that are updated whole at the end of the shape are left to the scatter's slices.
    """
    from openvino import opset13 as ops

    array, update, start = (node.get_input(at) for at in range(3))
    whole = list(array.get_partial_shape().to_shape())
    # A size that the converter has lost, as of rotated keys, is known where there is room for one.
    sizes = zip(whole, update.get_partial_shape(), strict=True)
    part = [1 if room == 1 else size.get_length() for room, size in sizes]
    update = ops.reshape(update, part, False).output(0)
    if whole == part:
        return [update]  # it fits at 0 only, where XLA moves the start to
    depth = max(at for at in range(len(whole)) if whole[at] != part[at]) + 1
    grid = np.stack(np.meshgrid(*map(np.arange, part[:depth]), indexing="ij"), axis=-1)
    begin = ops.slice(ops.convert(start, "i64"), [0], [depth], [1])
    room = np.array([whole[at] - part[at] for at in range(depth)], "int64")
    begin = ops.minimum(ops.maximum(begin, np.zeros(depth, "int64")), room)
    places = ops.add(ops.constant(grid.astype("int64")), begin)
    return [ops.scatter_nd_update(array, places, update).output(0)]
