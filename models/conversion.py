"""A TensorFlow graph as an OpenVINO network, with the rule that OpenVINO's converter lacks.

Knows no model, and not whether the network is equal or faster.
"""


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
    """XlaDynamicUpdateSlice, for which OpenVINO has no rule, where it replaces the whole array.

    Keras' `slice_update` becomes one; a cache of keys and values is filled with it. Sizes that the
    converter has lost, as of rotated keys, are the array's. Less than the whole does not fit, and
    stays on TensorFlow.
    """
    from openvino import opset13 as ops

    array, update = (node.get_input(at) for at in range(2))
    return [ops.reshape(update, list(array.get_partial_shape().to_shape()), False).output(0)]
