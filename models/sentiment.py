"""Says how positive a text is, or each of many texts.

Knows no page, and nothing of how a model was trained.
"""

import time

import numpy as np

from models import catalog, checks, loader, runtime, tokens
from models.results import Sentiment

MOST = 1000  # texts in one call
SHORT = 48  # pieces: most sentences fit; a longer window has the model's whole length
TOGETHER = 16  # windows in a batch
LONGEST = 1000  # pieces of a text that a chat model is asked about; the rest is not read
QUESTION = "Is this text positive or negative? Answer with one word."
ANSWERS = ("negative", "positive")


def score(text, model=None):
    """Say how positive a text is.

    Args:
        text: str. One longer than the model's sequence is read in several windows, all of it; a
            chat model that is asked reads the first LONGEST pieces.
        model: id of a sentiment model, or None for the default.

    Returns:
        Sentiment: `positive` and `negative`, which sum to 1.

    Raises:
        BadInput: the text is empty or too long, or no sentiment model has that id.
    """
    return _scored([checks.text(text)], model)[0]


def score_many(texts, model=None):
    """Say how positive each of many texts is.

    Args:
        texts: list or tuple of 1 to 1,000 str.
        model: id of a sentiment model, or None for the default.

    Returns:
        tuple of Sentiment in the order of `texts`; they share one `run`.

    Raises:
        BadInput: none or too many texts, one of them is empty or too long (the message says
            which), or no sentiment model has that id.
    """
    if not isinstance(texts, (list, tuple)):
        raise checks.BadInput("The texts have to be a list of str. Send one text in a list.")
    if not 1 <= len(texts) <= MOST:
        raise checks.BadInput(
            f"From 1 to {MOST:,} texts are scored at a time, but {len(texts):,} came. "
            + ("Send them in parts." if texts else "Type one text per line.")
        )
    clean = [checks.text(text, f"text {number}") for number, text in enumerate(texts, 1)]
    return _scored(clean, model)


@runtime.on_gpu
def _scored(texts, model):
    row = catalog.pick(model, "sentiment")
    with loader.use(row.id) as loaded:
        began = time.perf_counter()
        positive = shares(loaded, texts)[:, catalog.labels(row.id).index("positive")]
        run = loaded.run(began)
    return tuple(Sentiment(float(share), float(1 - share), run) for share in positive)


def shares(loaded, texts):
    """Probabilities (texts, classes) of texts on a Loaded model; each row sums to 1.

    A TextClassifier has learnt the classes; a CausalLM is asked.
    """
    frame = loaded.told(window)
    if frame is None:
        return np.stack([_asked(loaded, text) for text in texts])
    pieces = [np.asarray(each, "int32") for each in tokens.words(loaded)(texts)]
    parts, owners = windows(pieces, frame["length"] - 2)
    logs = _log_shares(loaded, [framed(part, frame) for part in parts])
    weights = np.array([len(part) for part in parts], "float64")[:, None]
    return pooled(logs, weights, owners, len(texts))


def _asked(loaded, text):
    """Shares (2,) of the answers "negative" and "positive" of a chat model that is asked.

    Zero-shot, by the likelihood of each answer's first piece, as Brown et al. 2020, "Language
    models are few-shot learners", compare answers. The markup is Qwen's, its thinking left empty.
    """
    reads = tokens.of(loaded)
    begin, end = map(reads.id_of, ("<|im_start|>", "<|im_end|>"))
    asked = reads.ids(f"user\n{QUESTION}\n\n{text}")[:LONGEST]
    between, reply = reads.ids("\n"), reads.ids("assistant\n<think>\n\n</think>\n\n")
    ids = [begin, *asked, end, *between, begin, *reply]
    words = [reads.ids(answer)[0] for answer in ANSWERS]
    row = np.zeros((1, 1 << (len(ids) - 1).bit_length()), "int32")
    row[0, : len(ids)] = ids
    with loaded.lock:
        logits = loaded.compiled(next_logits, exact=True)(row, np.int32(len(ids) - 1))
    logs = logits[0, words].astype("float64")
    shares = np.exp(logs - logs.max())
    return shares / shares.sum()


def window(model):
    """What frames a window of pieces, a dict of JSON values; None for a model that is asked.

    `length`, pieces in it at most, `first` and `last`, ids of its ends, and `padding`.
    """
    if hasattr(model, "call_with_cache"):
        return None
    tokenizer = model.preprocessor.tokenizer
    return {
        "length": model.preprocessor.sequence_length,
        "first": tokenizer.cls_token_id,
        "last": tokenizer.sep_token_id,
        "padding": tokenizer.pad_token_id,
    }


def next_logits(model, tokens, last):
    """Logits (batch, vocabulary), float32, after token `last` of tokens (batch, length) int32.

    The model looks back only, so what stands after `last` has no effect.
    """
    from keras import ops

    logits = model({"token_ids": tokens, "padding_mask": ops.ones_like(tokens)}, training=False)
    return ops.cast(ops.take(logits, last, axis=1), "float32")


def windows(pieces, length):
    """Cut texts into windows of at most `length` pieces, as even as they come.

    Args:
        pieces: one array of piece numbers per text; an empty one gives one empty window.
        length: int, pieces in a window at most.

    Returns:
        The windows, a list of arrays, and for each the index of its text, array (windows,).
    """
    counts = [max(1, -(-len(each) // length)) for each in pieces]
    parts = [np.array_split(each, count) for each, count in zip(pieces, counts, strict=True)]
    return [part for each in parts for part in each], np.repeat(np.arange(len(pieces)), counts)


def framed(part, frame):
    """Put a window into its frame, as `window` tells it: one of two lengths, (length,) int32."""
    full = frame["length"]
    room = min(SHORT, full) if len(part) + 2 <= SHORT else full
    row = np.full(room, frame["padding"], "int32")
    row[: len(part) + 2] = [frame["first"], *part, frame["last"]]
    return row


def pooled(logs, weights, owners, count):
    """Mean of the windows' log probabilities by text, longer windows more, as probabilities.

    Args:
        logs: array (windows, classes). weights: (windows, 1). owners: (windows,) of text indexes.
        count: int, texts.

    Returns:
        Array (count, classes); each row sums to 1.
    """
    weights = np.maximum(weights, 1)
    sums, totals = np.zeros((count, logs.shape[1])), np.zeros((count, 1))
    np.add.at(sums, owners, logs * weights)
    np.add.at(totals, owners, weights)
    shares = np.exp(sums / totals)
    return shares / shares.sum(axis=1, keepdims=True)


def _log_shares(loaded, rows):
    """Log probabilities (windows, classes); batches have few shapes, so few traces."""
    found = [None] * len(rows)
    for length in {len(row) for row in rows}:
        places = [place for place, row in enumerate(rows) if len(row) == length]
        step = TOGETHER if len(places) > 1 else 1
        for start in range(0, len(places), step):
            chosen = places[start : start + step]
            batch = [rows[place] for place in chosen]
            batch += batch[-1:] * (step - len(batch))  # a full batch has the shape seen before
            with loaded.lock:
                logs = loaded.compiled(log_probabilities, exact=True)(np.stack(batch))
            for place, log in zip(chosen, logs, strict=False):
                found[place] = log
    return np.stack(found).astype("float64")


def log_probabilities(model, tokens):
    """Log probabilities (batch, classes), float32, of framed pieces (batch, length) int32.

    Published classifiers give logits, some probabilities already.
    """
    import keras

    given = {
        "token_ids": tokens,
        "padding_mask": tokens != model.preprocessor.tokenizer.pad_token_id,
        "segment_ids": keras.ops.zeros_like(tokens),
    }
    outputs = keras.ops.cast(model(given, training=False), "float32")
    if keras.activations.get(getattr(model, "activation", None)) is keras.activations.softmax:
        return keras.ops.log(keras.ops.maximum(outputs, 1e-7))
    return keras.ops.log_softmax(outputs)
