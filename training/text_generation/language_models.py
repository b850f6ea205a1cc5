"""Byte pairs, training and scoring of small GPT-2 models, shared by two recipes.

Knows neither the texts nor what a good story is.
"""

import itertools
import json

import keras
import keras_hub
import numpy as np

from models import runtime
from training import recipe, runs

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


def causal_lm(tokenizer, layers, width, heads, context, dropout, dtype=None):
    """A GPT-2 (Radford et al. 2019) with random weights that takes token ids, ready to train."""
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=layers,
        num_heads=heads,
        hidden_dim=width,
        intermediate_dim=4 * width,
        dropout=dropout,
        max_sequence_length=context,
        dtype=dtype or recipe.precision(),
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


def fit(model, batch, steps, peak, work, floor=0.1, teachers=(), average=0.998):
    """Train `model` on next tokens with AdamW, warm-up and a cosine down to a share of `peak`.

    What the model is in the end is a moving average of its weights (Polyak and Juditsky 1992).
    A run that was cut off goes on from its last checkpoint.

    Args:
        model: a `causal_lm`.
        batch: function of the step (int) that gives ids (batch, length + 1) int32, at most a
            context long; what is below 0 pads.
        steps: int, optimizer steps.
        peak: float, the highest learning rate.
        work: Path, a folder for checkpoints.
        floor: float, the last learning rate as a share of the highest.
        teachers: models of the same tokens whose opinion it learns from as well; see `Taught`.
        average: float, what a step leaves of the moving average.

    Returns:
        dict as of `runs.fit`; the losses are in nats per token, what teachers add included.
    """
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, alpha=floor, warmup_target=peak, warmup_steps=max(1, steps // 20)
    )
    logits = Taught.beside(teachers, model) if teachers else model.output
    taught = keras.Model(model.input, logits)  # takes tokens, not texts
    taught.compile(
        optimizer=keras.optimizers.AdamW(
            rate,
            weight_decay=0.1,
            beta_2=0.98,
            global_clipnorm=1.0,
            use_ema=True,
            ema_momentum=average,
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        ),
        weighted_metrics=None,
        jit_compile=recipe.jit_compile(),
    )

    def make(step):
        ids = batch(step)
        real, ids = ids[:, 1:] >= 0, np.maximum(ids, 0)
        inputs = {"token_ids": ids[:, :-1], "padding_mask": np.ones_like(ids[:, 1:])}
        return inputs, ids[:, 1:], real.astype("float32")

    return runs.fit(taught, make, steps, work, workers=2)


class Taught(keras.layers.Layer):
    """Passes a model's logits on and adds how far they are from what its teachers think.

    That is the cross-entropy against the mean of the teachers' probabilities (Hinton et al. 2015,
    "Distilling the knowledge"), a mean over all tokens. Teachers that learned from the same text
    as their pupil keep it from learning that text by heart (Furlanello et al. 2018, "Born-again
    neural networks"; Timiryasov and Tastet 2023, "Baby Llama").

    Call: logits and probabilities, both (texts, length, vocabulary), to the logits.
    """

    WEIGHT = 2.0  # of the teachers' opinion beside the text's own next tokens

    def call(self, logits, probabilities):
        logits = keras.ops.cast(logits, "float32")
        likely = keras.ops.log_softmax(logits)
        apart = -keras.ops.sum(probabilities * likely, axis=-1)
        self.add_loss(self.WEIGHT * keras.ops.mean(apart))
        return logits

    @classmethod
    def beside(cls, teachers, model):
        """The logits of a model with its teachers at its side, which learn nothing."""
        for teacher in teachers:
            teacher.trainable = False
        given = [
            keras.ops.softmax(keras.ops.cast(each(model.input, training=False), "float32"))
            for each in teachers
        ]
        mean = keras.ops.mean(keras.ops.stack(given), axis=0)
        return cls(dtype="float32")(model.output, mean)


def sampler(seed):
    """How texts that a recipe judges are sampled: by the page's defaults, of the likeliest 50."""
    return keras_hub.samplers.TopPSampler(p=0.9, k=50, seed=seed, temperature=0.8)


def record(args, model, done, **more):
    """Write how a preset was trained, from what `fit` gave, beside it."""
    recipe.trained(
        args, model, done["seconds"], steps=done["steps"], training_losses=done["losses"], **more
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
