"""Reads the review data: film review sentences, whole film reviews, product reviews, opinion words.

It knows files and labels; it knows no model and no tokenizer.
"""

import csv
import re
import zipfile
from pathlib import Path

import numpy as np

PUBLIC = "https://raw.githubusercontent.com/nltk/nltk_data/gh-pages/packages/corpora/"
PUBLIC_FILES = (
    "sentence_polarity.zip",
    "movie_reviews.zip",
    "product_reviews_1.zip",
    "product_reviews_2.zip",
    "opinion_lexicon.zip",
)
OPINION = re.compile(r"\[([+-])([1-3])\]")


def folder(data=None):
    """The folder that holds the files: `data` itself, or the public copies, fetched once."""
    if data is not None:
        return Path(data)
    import keras

    for name in PUBLIC_FILES:
        path = keras.utils.get_file(name, PUBLIC + name, cache_subdir="reviews")
    return Path(path).parent


def polarity_sentences(data):
    """Sentence Polarity v1.0 (Pang and Lee 2005): (texts, labels), label 1 is positive."""
    table = Path(data) / "sentence_polarity_train.tsv"
    if table.exists():
        with table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
        return [row["text"] for row in rows], np.array([int(row["label"]) for row in rows])
    negative = _lines(data, "sentence_polarity", ".neg")
    positive = _lines(data, "sentence_polarity", ".pos")
    return negative + positive, np.array([0] * len(negative) + [1] * len(positive))


def film_reviews(data):
    """Polarity v2.0 (Pang and Lee 2004): (reviews, labels); a review is a list of sentences."""
    reviews, labels = [], []
    for name, text in _members(data, "movie_reviews"):
        if name.endswith(".txt") and ("/pos/" in name or "/neg/" in name):
            reviews.append([line.strip() for line in text.splitlines() if line.strip()])
            labels.append(int("/pos/" in name))
    return reviews, np.array(labels)


def product_sentences(data):
    """Customer reviews (Hu and Liu 2004; Ding, Liu and Yu 2008): (texts, opinions).

    An opinion is the sum of the marks in front of the sentence, such as +3 or -2; 0 where
    nothing is marked or the marks cancel out.
    """
    texts, opinions = [], []
    for name, text in _members(data, "product_reviews"):
        if name.endswith(".txt") and "readme" not in name.lower():
            for line in text.splitlines():
                marks, found, sentence = line.partition("##")
                if found and sentence.strip():
                    texts.append(sentence.strip())
                    signed = (int(sign + size) for sign, size in OPINION.findall(marks))
                    opinions.append(sum(signed))
    return texts, np.array(opinions)


def opinion_words(data):
    """The opinion lexicon (Hu and Liu 2004): (positive words, negative words)."""
    words = {}
    for name, text in _members(data, "opinion_lexicon"):
        lines = (line.strip() for line in text.splitlines())
        words[Path(name).stem] = [line for line in lines if line and not line.startswith(";")]
    return words["positive-words"], words["negative-words"]


def hold_out(texts, labels, seed, fraction=0.1):
    """Splits by seed: (train texts, train labels, held-out texts, held-out labels).

    A text that stands more than once lands on one side only.
    """
    unique = sorted(set(texts))
    order = np.random.default_rng(seed).permutation(len(unique))
    kept_out = {unique[i] for i in order[: round(fraction * len(unique))]}
    out = np.array([text in kept_out for text in texts])
    texts = np.array(texts, dtype=object)
    return list(texts[~out]), labels[~out], list(texts[out]), labels[out]


def _members(data, start):
    """(name, text) of every file in the archives of `data` whose names begin with `start`."""
    archives = sorted(Path(data).glob(f"{start}*.zip"))
    if not archives:
        raise FileNotFoundError(f"No {start}*.zip in {data}. Name the folder with the review data.")
    for archive in archives:
        with zipfile.ZipFile(archive) as files:
            for name in sorted(files.namelist()):
                if not name.endswith("/"):
                    yield name, files.read(name).decode("latin-1")


def _lines(data, start, suffix):
    for name, text in _members(data, start):
        if name.endswith(suffix):
            return [line.strip() for line in text.splitlines() if line.strip()]
    raise FileNotFoundError(f"No file ending in {suffix} in {start}*.zip of {data}.")
