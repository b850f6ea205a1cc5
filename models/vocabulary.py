"""Words to token ids and back, for captions.

Knows no model and no image. A sentence is its words and commas in lower case.
"""

import re

SPECIAL = ("", "<start>", "<end>", "<unknown>")  # tokens that are no words
PADDING, START, END, UNKNOWN = range(len(SPECIAL))
_TOKENS = re.compile(r"[a-z]+|,")


def tokens(sentence):
    """Return the words and commas of a sentence, in lower case."""
    return _TOKENS.findall(sentence.lower())


def build(sentences):
    """Return SPECIAL, then every token of the sentences in alphabetical order, as a tuple."""
    return SPECIAL + tuple(sorted({token for each in sentences for token in tokens(each)}))


def said_once(words, sentences):
    """Return the ids of the tokens that no sentence says twice, such as the name of a thing."""
    twice = set()
    for sentence in sentences:
        said = tokens(sentence)
        twice |= {token for token in said if said.count(token) > 1}
    return tuple(at for at, token in enumerate(words) if at > UNKNOWN and token not in twice)


def ids(words, sentence):
    """Return a sentence's token ids, a list from START to END."""
    known = {token: at for at, token in enumerate(words)}
    return [START, *(known.get(token, UNKNOWN) for token in tokens(sentence)), END]


def sentence(words, token_ids):
    """Return the sentence that token ids stand for; SPECIAL ones are left out."""
    return " ".join(words[at] for at in token_ids if at > UNKNOWN).replace(" ,", ",")
