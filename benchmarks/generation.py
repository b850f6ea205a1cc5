"""GPT-2 base (Radford et al. 2019) with random weights, token by token.

Knows no text: the tokens are drawn at random, and the next one is always the likeliest.
"""

import numpy as np

from benchmarks import machine, peers, timing
from models import converted, runtime, text_generation

GIVEN, ADDED, ROOM = 8, 32, 256  # tokens of the prompt, added to it, and in the app's cache


def line():
    """Time ADDED tokens: keras-hub's `generate`, the app's loop on each engine, and PyTorch.

    Returns:
        dict as of `timing.line`, with `tokens_per_second` by call and what `machine.demands` says
        of the ADDED steps together.
    """
    runtime.start()
    import keras_hub

    backbone = keras_hub.models.GPT2Backbone(50257, 12, 12, 768, 3072, dropout=0.0)
    model = keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)
    model.compile(sampler="greedy")
    ids = np.random.default_rng(0).integers(1, 50000, (1, GIVEN)).astype("int32")
    begun, steps, network = _compiled(model, ids)
    calls = {"Keras": lambda: _by_keras(model, ids)}
    calls |= {name: lambda step=step: _loop(begun, step) for name, step in steps.items()}
    if peers.installed():
        calls |= peers.gpt2(ids, ADDED)
    demands = {key: ADDED * each for key, each in machine.demands(network).items()}
    found = timing.line(f"GPT-2 base, {ADDED} tokens", calls, **demands)
    rate = {name: round(1000 * ADDED / ms, 1) for name, ms in found["milliseconds"].items()}
    return {**found, "tokens_per_second": rate}


def _by_keras(model, ids):
    padded = np.zeros((1, GIVEN + ADDED), "int32")
    padded[:, :GIVEN] = ids
    given = {"token_ids": padded, "padding_mask": (padded > 0).astype("int32")}
    model.generate(given, stop_token_ids=None)


def _compiled(model, ids):
    """What the app's `prefill` gives for the prompt, `step` on each engine, and its network."""
    padded = np.zeros((1, ROOM), "int32")
    padded[:, :GIVEN] = ids
    begun = runtime.compile(text_generation.prefill, model)(padded, np.int32(GIVEN - 1))
    step = runtime.compile(text_generation.step, model)
    arrays = [ids[:, :1], np.int32(GIVEN), *begun[2]]
    step(*arrays)
    tried = converted.trial(step.graph, arrays, (*converted.precisions(), converted.LIGHT))
    programs = {f"OpenVINO {name}": program for name, program in tried.programs.items()}
    return begun, {"TensorFlow": step, **programs}, tried.networks["float32"]


def _loop(begun, step):
    """Go on from what `prefill` gave, ADDED times by the likeliest token."""
    logits, cache = begun[0], np.array(begun[2])
    for place in range(GIVEN, GIVEN + ADDED):
        token = logits.argmax(axis=-1)[:, None].astype("int32")
        logits, _, cache[:, :, :, place] = step(token, np.int32(place), *cache)
