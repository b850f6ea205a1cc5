"""Reads GloVe's word vectors, which know words that no review data has.

It knows files; it knows no labels and no model. Pennington, Socher and Manning 2014, "GloVe:
Global Vectors for Word Representation"; public domain (PDDL 1.0).
"""

import zipfile
from pathlib import Path

import numpy as np

PUBLIC = "https://nlp.stanford.edu/data/glove.6B.zip"
FILE = "glove.6B.100d.txt"  # made from Wikipedia and news, 100 numbers a word


def vectors(data=None, most=None):
    """The vectors of words in letters, the commonest words first.

    Args:
        data: folder with FILE, or None for the public copy, fetched once.
        most: int, words at most, or None for all.

    Returns:
        dict of a word (str, lower case) to (100,) float32.

    Raises:
        FileNotFoundError: FILE is not in `data`.
    """
    found = {}
    for line in _lines(data):
        word, *values = line.split(" ")
        if word.isascii() and word.isalpha():
            found[word] = np.array(values, "float32")
            if len(found) == most:
                break
    return found


def _lines(data):
    if data is None:
        import keras

        archive = keras.utils.get_file("glove.6B.zip", PUBLIC, cache_subdir="reviews")
        with zipfile.ZipFile(archive) as files, files.open(FILE) as lines:
            yield from (line.decode().rstrip("\n") for line in lines)
    else:
        if not Path(data, FILE).is_file():
            raise FileNotFoundError(f"{data} has no {FILE}. Put it there; it is in {PUBLIC}.")
        with Path(data, FILE).open(encoding="utf-8") as lines:
            yield from (line.rstrip("\n") for line in lines)
