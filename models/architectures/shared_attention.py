"""Lets the second of two pictures attend to itself as the first one does, while a U-Net is traced.

Knows no particular U-Net: whoever builds one says which layers make its queries and keys.
"""

import contextlib
import functools

from keras import ops

FOLLOWED = (0, 0, 2, 3)  # whose queries and keys each row takes: two pictures, then both unprompted


@contextlib.contextmanager
def following(projections):
    """While this lasts, row 1 of a batch of four takes its attention weights from row 0.

    Where a picture's places attend decides what stands where; what they find there stays its own.
    It is the part of prompt-to-prompt (Hertz et al. 2022, arXiv:2208.01626) that shares
    self-attention.

    Args:
        projections: list of Keras layers that make the queries and keys of self-attention.
    """
    for layer in projections:
        layer.call = _followed(layer.call)
    try:
        yield
    finally:
        for layer in projections:
            del layer.call  # the class's own is back


def _followed(call):
    @functools.wraps(call)
    def follow(*args, **kwargs):
        return ops.take(call(*args, **kwargs), FOLLOWED, axis=0)

    return follow
