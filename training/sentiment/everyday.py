"""Everyday sentences of a known sentiment: food, things, people, places, work, the weather.

Some were written one by one, more are made by a small grammar with negation and "but"; it knows no
data set and no model.
"""

import csv
from pathlib import Path

import numpy as np

from training.sentiment import everyday_words as words

TEST = Path(__file__).parent / "everyday_test.tsv"
WRITTEN = Path(__file__).parent / "everyday_written.tsv"


def sentences(count, seed):
    """(texts, labels): `count` sentences drawn by `seed`, label 1 positive; none of the test's."""
    rng = np.random.default_rng(seed)
    kept_out = {_plain(text) for text in test_sentences()[0]}
    texts, labels = [], []
    while len(texts) < count:
        label = int(rng.integers(2))
        text = _dress(_sentence(rng, label), rng)
        if _plain(text) not in kept_out:
            texts.append(text)
            labels.append(label)
    return texts, np.array(labels)


def test_sentences():
    """(texts, labels) of the small table of everyday sentences that no training sees."""
    return _table(TEST)


def written_sentences():
    """(texts, labels) of the sentences written one by one, without a look at the test's."""
    return _table(WRITTEN)


def _table(file):
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [row["text"] for row in rows], np.array([int(row["label"]) for row in rows])


def _plain(text):
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _pick(rng, choices):
    options = choices.split("|")
    return options[rng.integers(len(options))].strip("\n")


def _sentence(rng, label):
    kind = rng.choice(6, p=(0.28, 0.12, 0.12, 0.1, 0.3, 0.08))
    if kind == 4:
        return _pick(rng, words.HAPPY if label else words.SAD)
    if kind == 5:
        return _exclamation(rng, label)
    clause, topic = (_states, _feels, _acts, _compares)[kind], _topic(rng)
    if rng.random() < 0.2:  # the clause after "but" decides
        return f"{clause(rng, 1 - label, topic)}{_pick(rng, words.BUT)}{_states(rng, label, topic)}"
    text = _pick(rng, words.OPEN) + clause(rng, label, topic)
    if rng.random() < 0.25:
        second = (_states, _acts)[rng.integers(2)]
        text += _pick(rng, " and | and |, |. ") + second(rng, label, topic)
    return text


def _topic(rng):
    return words.TOPICS[list(words.TOPICS)[rng.integers(len(words.TOPICS))]]


def _states(rng, label, topic):
    """Subject, be, word: "the soup was not very good"; a negated word turns the meaning."""
    nouns, good, bad = topic
    subject = _pick(rng, "the|the|the|my|our|this|their") + " " + _pick(rng, nouns)
    if rng.random() < 0.3:
        plain = "good|great|bad|nice|well made|interesting|clean|friendly|helpful|funny|fresh"
        return f"{subject} {_negated(rng, label, plain, good, bad)}{_pick(rng, words.WHEN)}"
    word = _pick(rng, good if label else bad)
    how = (
        _pick(rng, words.HOW_GOOD if label else words.HOW)
        if not word.startswith(("a ", "the "))
        else ""
    )
    both = f" and {_pick(rng, good if label else bad)}" if rng.random() < 0.25 else ""
    return f"{subject} {_pick(rng, 'is|was|was')} {how}{word}{both}{_pick(rng, words.WHEN)}"


def _negated(rng, label, plain, good, bad):
    if label:
        word = _pick(rng, "bad|disappointing|boring|a problem|terrible|" + bad)
        never = _pick(rng, "is not|isn't|was not|wasn't|was never|is never|wasn't at all")
        return f"{never} {_pick(rng, '||that |too |even ')}{word}{_pick(rng, '|| at all')}"
    word = _pick(rng, plain.replace("|bad", "") + "|" + good)
    never = _pick(rng, "is not|isn't|was not|wasn't|was never|is never|was hardly|was anything but")
    how = _pick(rng, "|||very |really |that |particularly |as good as it looks, not ")
    return f"{never} {how}{word}{_pick(rng, '||| at all| enough')}"


def _feels(rng, label, topic):
    nouns, good, bad = topic
    word = _pick(rng, good if label else bad)
    one = _pick(rng, "this|the|my new|their") + " " + _pick(rng, nouns)
    end = f", it is {word}" if rng.random() < 0.3 else ""
    return f"i {_pick(rng, words.LIKES if label else words.DISLIKES)} {one}{end}"


def _acts(rng, label, topic):
    nouns = topic[0]
    subject = _pick(rng, "the|this|my|our|it|it")
    subject = subject if subject == "it" else f"{subject} {_pick(rng, nouns)}"
    does = _pick(rng, words.DOES_WELL if label else words.DOES_BADLY)
    return f"{subject} {does}{_pick(rng, words.WHEN)}"


def _compares(rng, label, topic):
    nouns = topic[0]
    noun = _pick(rng, nouns)
    best = _pick(rng, "best|nicest|greatest|finest" if label else "worst|poorest|dullest|saddest")
    more = _pick(rng, "better|nicer|much better" if label else "worse|uglier|much worse")
    forms = (
        f"this is the {best} {noun} {_pick(rng, words.WHO)} ever had",
        f"one of the {best} {noun}s ever",
        f"the {noun} is {more} than the old one",
        f"{_pick(rng, 'better' if label else 'worse')} than any {noun} i have seen",
        f"{_pick(rng, words.WHO)} had a {'great' if label else 'bad'} time because of the {noun}",
    )
    return forms[rng.integers(len(forms))]


def _exclamation(rng, label):
    nouns, good, bad = _topic(rng)
    word = _pick(rng, good if label else bad)
    article = "" if word.startswith(("a ", "the ")) else "a " if word[0] not in "aeiou" else "an "
    forms = (
        f"what {article}{word} {_pick(rng, nouns)}",
        f"{word}",
        f"{_pick(rng, words.HOW_GOOD if label else words.HOW)}{word}",
        f"not {_pick(rng, 'bad' if label else 'good|great|nice')}{_pick(rng, '| at all')}",
        f"such {article}{word} {_pick(rng, nouns)}",
        f"never {_pick(rng, 'disappointing|boring|dull' if label else 'good|fresh|on time|clean')}",
    )
    return forms[rng.integers(len(forms))]


def _dress(text, rng):
    """Upper or lower case at the start, some mark or none at the end."""
    text = text.strip()
    return (text.capitalize() if rng.random() < 0.5 else text) + _pick(rng, ".|.|!| .||!!|...")
