"""Byte pairs, training and scoring of small GPT-2 models, shared by two recipes.

Knows neither the texts nor what a good story is.
"""

import itertools
import json
import math
import time

import keras
import keras_hub
import numpy as np

from models import runtime
from training import recipe

END = "<|endoftext|>"
TOKEN_DEVIATION = 0.05  # of the first random word vectors, which also weigh the answers
# Words with the mark or space before them, numbers of up to three digits, marks with the end of
# their line: what merges are learnt within. keras-hub 0.32 hands the same pattern on as plain text,
# which is nowhere, so it merges over the ends of words too, where such a pair was learnt.
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_pairs(texts, size):
    """Learn a byte-level BPE vocabulary (Sennrich et al. 2016; Radford et al. 2019, 2.2).

    Args:
        texts: iterable of str.
        size: int, how many tokens, the 256 bytes and the end token among them.

    Returns:
        A `GPT2Tokenizer`. Its end token has the highest id, since id 0 pads.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    learner = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")
    encode = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learner.pre_tokenizer = pre_tokenizers.Sequence([split, encode])
    learner.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=size - 1,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return _tokenizer(learner)


def cut_at_random(tokenizer, text, chance, rng):
    """A text's ids as a tokenizer gives them where the text was first cut at random places.

    The same words are then seen as many rows of tokens, so that a small text is not learnt by
    heart; Provilkov et al. 2020 (arXiv:1910.13267) leave out merges at random to that end, here
    those across a cut.

    Args:
        tokenizer: a `GPT2Tokenizer`.
        text: str.
        chance: float in [0, 1], of a cut between two characters.
        rng: a numpy Generator.

    Returns:
        (tokens,) int32.
    """
    cuts = [0, *np.flatnonzero(rng.random(len(text)) < chance), len(text)]
    parts = [text[start:end] for start, end in itertools.pairwise(cuts) if start < end]
    return np.concatenate([np.asarray(ids, "int32") for ids in tokenizer(parts)])


def _tokenizer(learner):
    learned = json.loads(learner.to_str())["model"]
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in learned["merges"]]
    vocabulary = learned["vocab"] | {END: len(learned["vocab"])}
    return keras_hub.models.GPT2Tokenizer(vocabulary=vocabulary, merges=merges)


def start(args, texts, size, shape):
    """Tokenizer and model to train: learned from texts and random, or those of the preset.

    Args:
        args: the recipe's arguments; they say whether this is a further round.
        texts: list of str.
        size: int, tokens of the vocabulary.
        shape: dict of the further arguments of `causal_lm`.
    """
    task = keras_hub.models.GPT2CausalLM
    if args.further:
        tokenizer = task.from_preset(str(args.out), dtype="float32").preprocessor.tokenizer
    else:
        tokenizer = byte_pairs(texts, size)
    model = causal_lm(tokenizer, **shape)
    recipe.goes_on(model, args, task)
    return tokenizer, model


def causal_lm(tokenizer, layers, width, heads, context, dropout, dtype="mixed_bfloat16"):
    """A GPT-2 (Radford et al. 2019) with random weights that takes token ids, ready to train."""
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=layers,
        num_heads=heads,
        hidden_dim=width,
        intermediate_dim=4 * width,
        dropout=dropout,
        max_sequence_length=context,
        dtype=dtype,
    )
    _widen(backbone)
    return keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)


def _widen(backbone):
    """Scale the first random weights from GPT-2's width of 768 and more to this one's.

    With keras-hub's fixed deviations a narrow network's attention starts all but uniform and its
    words nearly alike beside the positions, and it takes long to find what to look back at.
    """
    width = backbone.hidden_dim
    for weight in backbone.trainable_weights:
        if weight.path.endswith("token_embedding/embeddings"):
            weight.assign(weight * (TOKEN_DEVIATION / 0.01))
        elif weight.path.endswith("kernel"):
            weight.assign(weight * (width**-0.5 / 0.02))


def taking_text(model, tokenizer):
    """A float32 copy of a `causal_lm` as a task that takes text, as it is saved."""
    backbone = keras_hub.models.GPT2Backbone(
        **{**model.backbone.get_config(), "dtype": "float32", "name": "gpt2_backbone"}
    )
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(
        tokenizer, sequence_length=backbone.max_sequence_length
    )
    task = keras_hub.models.GPT2CausalLM(backbone, preprocessor)
    task.set_weights(model.get_weights())
    return task


def fit(model, batch, steps, peak, minutes, work, checkpoint, floor=0.1, every=60):
    """Train `model` on next tokens with AdamW, warm-up and a cosine down to a share of `peak`.

    The schedule follows the steps or, on a machine too slow for them, the minutes, so that it
    always ends where it should; only in the second case do two runs differ. A run that was cut
    off goes on from its last checkpoint; a whole one leaves none.

    Args:
        model: a `causal_lm`.
        batch: function of the step (int) that gives ids (batch, length + 1) int32, at most a
            context long; what is below 0 pads.
        steps: int, optimizer steps.
        peak: float, the highest learning rate.
        minutes: float, the longest that training may take.
        work: Path, a folder for the checkpoint.
        checkpoint: function called without arguments at every checkpoint.
        floor: float, the last learning rate as a share of the highest.
        every: float, seconds between two checkpoints.

    Returns:
        dict: `steps` done, `tokens` seen, `seconds` spent, and `losses` in nats per token,
        smoothed, one a checkpoint.
    """
    model.compile(
        optimizer=keras.optimizers.AdamW(peak, weight_decay=0.1, beta_2=0.98, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=None,
        jit_compile=False,
    )
    state = _State(model, work)
    begun = saved = time.monotonic()
    before = state.seconds
    while state.progress(steps, minutes) < 1:
        model.optimizer.learning_rate = peak * _cosine(state.progress(steps, minutes), floor)
        ids = batch(state.step)
        real, ids = ids[:, 1:] >= 0, np.maximum(ids, 0)
        inputs = {"token_ids": ids[:, :-1], "padding_mask": np.ones_like(ids[:, 1:])}
        model.reset_metrics()
        done = model.train_on_batch(inputs, ids[:, 1:], real.astype("float32"), return_dict=True)
        state.add(done["loss"], int(real.sum()))
        state.seconds = before + time.monotonic() - begun
        if time.monotonic() - saved > every:
            state.save(model)
            checkpoint()
            saved = time.monotonic()
    state.save(model)
    state.file.unlink()
    return {
        "steps": state.step,
        "tokens": state.tokens,
        "seconds": state.seconds,
        "losses": state.losses,
    }


def record(args, model, done):
    """Write how a preset was trained, from what `fit` gave, beside it."""
    recipe.trained(
        args,
        model,
        done["seconds"],
        steps=done["steps"],
        tokens_seen=done["tokens"],
        training_losses=done["losses"],
    )


def _cosine(progress, floor, warm_up=0.05):
    """The share of the peak rate at `progress` in [0, 1] (Loshchilov and Hutter 2017)."""
    if progress < warm_up:
        return (progress + 0.002) / (warm_up + 0.002)
    rest = (progress - warm_up) / (1 - warm_up)
    return floor + (1 - floor) * 0.5 * (1 + np.cos(np.pi * rest))


class _State:
    """How far training has come; kept in `work` beside the weights."""

    def __init__(self, model, work):
        import tensorflow as tf

        self.step = self.tokens = 0
        self.seconds, self.recent, self.losses = 0.0, math.nan, []
        model.optimizer.build(model.trainable_variables)
        self.file = work / "state.npz"
        self.keeper = tf.train.Checkpoint(
            **{f"v{i}": v.value for i, v in enumerate(model.variables + model.optimizer.variables)}
        )
        self.weights = str(work / "weights")
        if self.file.exists():
            kept = np.load(self.file)
            self.step, self.tokens = int(kept["step"]), int(kept["tokens"])
            self.seconds, self.losses = float(kept["seconds"]), kept["losses"].tolist()
            self.recent = self.losses[-1]
            self.keeper.read(self.weights).assert_consumed()

    def progress(self, steps, minutes):
        return max(self.step / steps, self.seconds / (60 * minutes))

    def add(self, loss, tokens):
        self.step += 1
        self.tokens += tokens
        loss = float(loss)
        self.recent = loss if math.isnan(self.recent) else 0.98 * self.recent + 0.02 * loss

    def save(self, model):
        self.losses.append(round(self.recent, 3))
        print(f"step {self.step}, {self.seconds:.0f} s, loss {self.recent:.3f}", flush=True)
        self.keeper.write(self.weights)
        np.savez(
            self.file,
            step=self.step,
            tokens=self.tokens,
            seconds=self.seconds,
            losses=self.losses,
        )


def nats(model, ids, key=None, batch=16):
    """What `model` pays for a text, each token seen with at least half a context before it.

    Args:
        model: a GPT-2 causal LM.
        ids: (n,) int32; the first token is given, the others are paid for.
        key: as `recipe.key` gives it.
        batch: int, windows in one call.

    Returns:
        float: the sum of -ln p over the n - 1 tokens.
    """
    context = model.backbone.max_sequence_length
    starts = range(0, max(1, len(ids) - 1 - context // 2), context // 2)
    windows = [(ids[s : s + context + 1], 0 if s == 0 else context - context // 2) for s in starts]
    return _paid(model, windows, key, batch)


def nats_apart(model, texts, key=None, batch=16):
    """What `model` pays for texts of at most a context each, none seen with another.

    Args:
        model: a GPT-2 causal LM.
        texts: list of ids (n,) int32; what lies beyond the context is cut.
        key: as `recipe.key` gives it.
        batch: int, texts in one call.

    Returns:
        float: the sum of -ln p over all tokens but the first of each text.
    """
    context = model.backbone.max_sequence_length
    return _paid(model, [(ids[: context + 1], 0) for ids in texts], key, batch)


def _paid(model, windows, key, batch):
    run, context = (
        runtime.compile(logits, model, key, exact=True),
        model.backbone.max_sequence_length,
    )
    return sum(
        _cost(run, windows[at : at + batch], context, batch) for at in range(0, len(windows), batch)
    )


def logits(model, token_ids):
    """Logits (texts, length, vocabulary), float32, of the token after each (texts, length)."""
    given = {"token_ids": token_ids, "padding_mask": keras.ops.ones_like(token_ids)}
    return keras.ops.cast(model(given, training=False), "float32")


def _cost(run, windows, context, batch):
    padded = np.zeros((batch, context + 1), "int32")
    weight = np.zeros((batch, context), "float64")
    for row, (ids, skipped) in enumerate(windows):
        padded[row, : len(ids)] = ids
        weight[row, skipped : len(ids) - 1] = 1
    loss = keras.ops.sparse_categorical_crossentropy(
        padded[:, 1:], run(padded[:, :-1]), from_logits=True
    )
    return float((keras.ops.convert_to_numpy(loss) * weight).sum())
