"""Continues a text, token by token, and hands over each one as it comes.

Knows no page, and nothing of how a model was trained. The cache of keys and values, the position
and the random numbers belong to one call, so that calls do not disturb each other.
"""

import functools
import itertools
import time

import numpy as np

from models import catalog, checks, loader, runtime, samplers, tokens
from models.results import Token

SAMPLERS = ("top_p", "top_k", "greedy", "beam", "contrastive")
LONGEST = 1000  # tokens of one call
MOST_CANDIDATES = 100  # of top_k
SMALLEST_CACHE = 256  # tokens; longer ones are the next powers of two, so that few shapes compile
SHORT_PROMPT = 32  # tokens that are read alone; longer prompts are padded to the cache's length
PARTED = ("Gemma3CausalLM",)  # classes whose cache is a pair of keys and values a layer


def generate(
    prompt,
    model=None,
    max_length=200,
    sampler="top_p",
    temperature=0.8,
    top_k=5,
    top_p=0.9,
    seed=None,
    beams=4,
    alpha=0.6,
):
    """Continue a text.

    Args:
        prompt: str, how the text starts. Of one that is too long for the model, the end is read.
        model: id of a text generation model, or None for the default.
        max_length: int from 1 to 1000, the most tokens to add; the model may end sooner.
        sampler: one of `SAMPLERS`.
        temperature: float in [0.05, 2]: below 1 safer, above 1 wilder. Of no effect on greedy.
        top_k: int from 1 to 100, how many of the likeliest tokens top_k draws from and contrastive
            compares.
        top_p: float in [0.01, 1], the share of the mass that top_p draws from.
        seed: int from 0 to 2**31 - 1, or None for a new one each time. The same seed and settings
            give the same text.
        beams: int from 1 to 16, sequences that beam search keeps.
        alpha: float in [0, 1], contrastive search's penalty on likeness to what stands there.

    Returns:
        A generator of `Token`, one for each new token; nothing if the model ends at once. Beam
        search may change its mind about tokens that it gave: the last `text` is the result.

    Raises:
        BadInput: an argument is not as described.
    """
    prompt = checks.text(prompt, "prompt")
    row = catalog.pick(model, "text_generation")
    count = checks.number(max_length, "max_length", 1, LONGEST, integer=True)
    choose = _chooser(
        checks.choice(sampler, "The sampler", SAMPLERS),
        checks.number(temperature, "The temperature", 0.05, 2),
        checks.number(top_k, "top_k", 1, MOST_CANDIDATES, integer=True),
        checks.number(top_p, "top_p", 0.01, 1),
        checks.number(beams, "The number of beams", 1, 16, integer=True),
        checks.number(alpha, "alpha", 0, 1),
        seed := checks.seed(seed),
    )
    return _stream(prompt, row.id, count, choose, seed)


def _chooser(sampler, temperature, k, p, beams, alpha, seed):
    """The sampler as a function of a decoder."""
    if sampler == "beam":
        return functools.partial(samplers.beam, beams=beams, temperature=temperature)
    if sampler == "contrastive":
        return functools.partial(samplers.contrastive, k=k, alpha=alpha, temperature=temperature)
    rng = np.random.default_rng(seed)
    pick = {
        "greedy": samplers.greedy,
        "top_k": functools.partial(samplers.top_k, k=k, rng=rng),
        "top_p": functools.partial(samplers.top_p, p=p, rng=rng),
    }[sampler]
    return functools.partial(samplers.one_by_one, pick=pick, temperature=temperature)


@runtime.on_gpu
def _stream(prompt, name, count, choose, seed):
    with loader.use(name) as loaded:
        began = time.perf_counter()
        reads, start = tokens.of(loaded), loaded.told(frame)["start"]
        read = reads.ids(prompt)
        if start is not None:  # Qwen's texts begin without one
            read = [start, *read]
        decoder = Decoder(loaded, read, count)
        before = ""
        for choice in itertools.islice(choose(decoder), count):
            text = tokens.decoded(reads, choice.ids)
            piece = text[len(before) :] if text.startswith(before) else text
            before = text
            yield Token(
                prompt + text, piece, choice.probability, loaded.run(began, seed), decoder.note
            )


class Decoder:
    """Runs a causal language model over a prompt and what is added to it, with a cache.

    Args:
        loaded: `loader.Loaded` with a `GPT2CausalLM`, `Qwen3CausalLM` or `Gemma3CausalLM`.
        ids: list of int, the prompt, its start token first if it has one.
        room: int, tokens that may be added.
    """

    def __init__(self, loaded, ids, room):
        self.loaded, within = loaded, loaded.told(frame)
        self.ends, self.context = set(within["ends"]), within["context"]
        self.length = min(self.context, _power_of_two(max(SMALLEST_CACHE, len(ids) + room)))
        self.start, self.note = ids[0], ""
        self.ids = np.array([ids[1:]], "int32")

    def begin(self, copies):
        """Read the prompt.

        Args:
            copies: int, sequences to go on with, all alike.

        Returns:
            logits (copies, vocabulary) of the next token, and the hidden states (tokens, width) of
            the prompt.
        """
        logits, hidden = self._read()
        self.ids = np.repeat(self.ids, copies, axis=0)
        if copies > 1:
            self.cache = np.repeat(self.cache, _power_of_two(copies), axis=1)
        return np.repeat(logits, copies, axis=0), hidden[0, : self.index]

    def extend(self, rows, tokens):
        """Add a token to each sequence.

        Args:
            rows: (copies,) int32, the sequence that each one goes on from.
            tokens: (copies,) int32, what is added to it.

        Returns:
            logits (copies, vocabulary) of the next token, and the hidden states (copies, width) of
            those just added.
        """
        self.ids = np.concatenate([self.ids[rows], tokens[:, None]], axis=1)
        if self.index == self.length:
            logits, hidden = self._read()
            return logits, hidden[:, self.index - 1]
        kept = _filled(rows)
        if len(kept) != self.cache.shape[1] or (rows != np.arange(len(rows))).any():
            self.cache = self.cache[:, kept]
        place, known = np.int32(self.index), _filled(tokens)[:, None]
        logits, hidden, told = self._run(step, known, place, *self.cache, light=True)
        self.cache[:, :, :, self.index] = told
        self.index += 1
        return logits[: len(rows)], hidden[: len(rows)]

    def _read(self):
        """Fill the cache with the tokens, or where they do not fit with the last half context."""
        known = self.ids[:, -self._kept() :]
        self.index = known.shape[1] + 1
        length = SHORT_PROMPT if self.index <= SHORT_PROMPT < self.length else self.length
        tokens = np.zeros((len(known), length), "int32")
        tokens[:, 0], tokens[:, 1 : self.index] = self.start, known
        last = np.int32(self.index - 1)
        logits, hidden, read = self._run(prefill, _filled(tokens), last)
        self.cache = np.zeros((*read.shape[:3], self.length, read.shape[4]), read.dtype)
        self.cache[:, :, :, :length] = read
        return logits[: len(known)], hidden[: len(known)]

    def _kept(self):
        tokens = self.ids.shape[1]
        if tokens + 1 < self.length:
            return tokens
        self.note = (
            f"the text is longer than the {self.context} tokens that the model sees at once; "
            "it goes on from the end alone"
        )
        return self.context // 2

    def _run(self, function, *arrays, light=False):
        with self.loaded.lock:
            return self.loaded.compiled(function, exact=True, light=light)(*arrays)


def frame(model):
    """What a Decoder has to know of a causal language model, a dict of JSON values.

    `start`, the id that texts begin with, or None; `ends`, the ids that end a text, as keras-hub's
    `generate` takes them; `context`, tokens that it sees at once.
    """
    packing = model.preprocessor
    tokenizer = packing.tokenizer
    turn = [tokenizer.token_to_id(tokens.TURN_END)] if hasattr(tokenizer, "proto") else []
    # Where positions are rotations there is no longest text: as much as the preset packs then.
    longest = getattr(model.backbone, "max_sequence_length", None)
    return {
        "start": tokenizer.start_token_id,
        "ends": [tokenizer.end_token_id, *turn],
        "context": longest or packing.sequence_length,
    }


def prefill(model, tokens, last):
    """Run a causal language model over whole sequences.

    Args:
        model: a `GPT2CausalLM`, `Qwen3CausalLM` or `Gemma3CausalLM`.
        tokens: (batch, length) int32, padded on the right.
        last: int32 scalar, the index of the last token that is not padding.

    Returns:
        logits (batch, vocabulary) float32 after token `last`, hidden states (batch, length, width)
        float32, and the cache, keys and values of each layer by turns: (2 x layers, batch, heads,
        length, width of one).
    """
    from keras import ops

    empty = _caches(model, tokens.shape[0], tokens.shape[1])
    logits, hidden, cache = model.call_with_cache(tokens, empty, 0)
    if type(model).__name__ in PARTED:
        cache = ops.stack([ops.stack(pair, axis=1) for pair in cache], axis=1)
    cache = ops.transpose(cache, (1, 2, 0, 4, 3, 5))
    logits = ops.take(logits, last, axis=1)
    return (
        ops.cast(logits, "float32"),
        ops.cast(hidden, "float32"),
        ops.reshape(cache, (-1, *cache.shape[2:])),
    )


def step(model, tokens, place, *cache):
    """Run a causal language model over one more token of each sequence.

    Args:
        model: a `GPT2CausalLM`, `Qwen3CausalLM` or `Gemma3CausalLM`.
        tokens: (batch, 1) int32.
        place: int32 scalar, the index of the new tokens in their sequences.
        *cache: (batch, heads, length, width of one) each, keys and values of each layer by turns:
            as `prefill` gives them, with what later steps gave.

    Returns:
        logits (batch, vocabulary) and hidden states (batch, width), float32, and what the cache is
        to hold at `place` (2 x layers, batch, heads, width of one). The caller writes it there: a
        program that did would copy the cache at every step.
    """
    from keras import ops

    from models.architectures import cached_attention

    pairs = list(zip(cache[::2], cache[1::2], strict=True))
    with cached_attention.reading(pairs, place) as told:
        logits, hidden, _ = model.call_with_cache(tokens, _caches(model, tokens.shape[0], 1), place)
    told = ops.stack([each for pair in told for each in pair])
    return ops.cast(logits[:, 0], "float32"), ops.cast(hidden[:, 0], "float32"), told


def _caches(model, batch, length):
    """Empty caches of keys and values as `call_with_cache` of a model takes them."""
    from keras import ops

    net = model.backbone
    if hasattr(net, "num_key_value_heads"):  # fewer than those that ask (Ainslie et al. 2023)
        heads = (net.num_key_value_heads, net.head_dim)
    else:
        heads = (net.num_heads, net.hidden_dim // net.num_heads)
    if type(model).__name__ in PARTED:
        empty = ops.zeros((batch, length, *heads), dtype=model.compute_dtype)
        return ((empty, empty),) * net.num_layers
    return ops.zeros((batch, net.num_layers, 2, length, *heads), dtype=model.compute_dtype)


def _power_of_two(number):
    return 1 << (number - 1).bit_length()


def _filled(array):
    """Repeat the last row up to a power of two, so that few numbers of rows are compiled."""
    return np.pad(
        array, [(0, _power_of_two(len(array)) - len(array))] + [(0, 0)] * (array.ndim - 1), "edge"
    )
