"""Lets a causal language model of keras-hub read its cache of keys and values without writing it.

Knows no particular model. keras-hub writes the new keys and values into a copy of the cache before
it attends, layer by layer, which for a small network takes longer than the attention. Here a token
attends to what the cache holds and to itself apart, and what the caller has to write is handed out.
"""

import contextlib

from keras import ops

NEVER = -1e9  # what a score becomes where there is nothing to attend to


@contextlib.contextmanager
def reading(caches, place):
    """While this lasts, each attention layer reads the next of the caches and writes none.

    It goes by the door that keras-hub keeps open for servers that manage their caches themselves.

    Args:
        caches: list, a layer each, of pairs of keys and values (batch, heads, length, width).
        place: int32 scalar, how many tokens the caches hold: the new ones' index.

    Yields:
        list: once the model was called on (batch, 1) tokens, a pair a layer of what the caches are
        to hold at `place`, both (batch, heads, width).
    """
    from keras_hub.src.vllm import context  # of the version that requirements.txt pins

    batch = caches[0][0].shape[0]
    told = []

    def attend(cache, query, key, value, scale, width, heads, kept, **limits):
        new = [ops.reshape(each, (batch, kept, width)) for each in (key, value)]
        told.append(new)
        query = ops.reshape(query, (batch, kept, heads // kept, width)) * scale
        return None, ops.reshape(_attended(query, cache, new, place, **limits), (batch, -1))

    positions = ops.broadcast_to(place, (batch,))
    with context.vllm_context_scope(attend, positions, caches):
        yield told


def _attended(query, cache, new, place, sliding_window=None, soft_cap=None):
    """What queries (batch, heads, sharing, width) find, those sharing a head's keys side by side.

    Args:
        query, cache, new, place: as `reading` has them.
        sliding_window: int, the tokens that a query sees, its own the last; None for all.
        soft_cap: float that scores come no further than (Gemma Team 2024, 2); None for no such.
    """
    (keys, values), (key, value) = cache, (ops.expand_dims(each, 2) for each in new)
    before = ops.matmul(query, ops.transpose(keys, (0, 1, 3, 2)))
    own = ops.sum(query * key, axis=-1, keepdims=True)
    scores = ops.cast(ops.concatenate([before, own], axis=-1), "float32")
    if soft_cap:
        scores = ops.tanh(scores / soft_cap) * soft_cap
    at = ops.arange(keys.shape[2] + 1, dtype="int32")
    seen = ops.logical_or(at < place, at == keys.shape[2])
    if sliding_window:
        seen = ops.logical_and(seen, at > place - sliding_window)
    shares = ops.cast(ops.softmax(ops.where(seen, scores, NEVER)), query.dtype)
    return ops.matmul(shares[..., :-1], values) + shares[..., -1:] * value
