"""Tells a story's lines in other words each time, and knows sentences of detail to put between.

Knows no plot. Deterministic by the random numbers that it is given; words stand in variety.txt.
"""

import functools
import re
from pathlib import Path

SOURCE = Path(__file__).with_name("variety.txt")
TABLES = ("wordings", "described", "adverbs")
DESCRIBED, ADVERB, MANNER, WHEN = 0.6, 0.4, 0.5, 0.2  # chances, where there is room for one
SPARED = 0.25  # chance that an adjective that a line has room for is left out
ADJECTIVE = (
    r"(\b(?:[Aa]n?|[Tt]he|one|two|of|with|and)|\{f?his\}|<[Cc]ounts>) "
    r"<(?:adorned|feels|hues|natures)>(?: and <\w+>|, <\w+>)?"
    r"(?= (?:<|(?!(?:and|as|at|by|for|from|in|of|on|or|than|to|with)\b)[a-z]))"
)
ALREADY = r"(?!was|had|could|did|were|is|and|knew|wanted|never|would)"  # goes on, begins at no time


def parts(file):
    """What stands in a file of words and lines: a list of (mark, name, body), comments left out."""
    text = re.sub(r"^#.*\n", "", file.read_text(), flags=re.M)
    return re.findall(r"^(\*|@|==) (.+)\n((?:(?!\*|@|==).*\n)*)", text, flags=re.M)


def pools(found):
    """The words and the lines among `parts`, a dict of tuples of str by name."""
    words = {
        name: tuple(" ".join(body.split()).split(", ")) for mark, name, body in found if mark == "*"
    }
    lines = {name: tuple(body.strip().split("\n")) for mark, name, body in found if mark == "@"}
    return words | lines


@functools.cache
def _source():
    return pools(parts(SOURCE))


@functools.cache
def _table(name):
    """A table's rows: what is found, a regular expression, and what may stand there by word."""
    rows = {}
    for line in _source()[name]:
        left, right = line.split(" = ")
        if name == "wordings":
            rows[left] = tuple(right.split(" | "))
        else:
            rows |= dict.fromkeys(left.split(", "), tuple(right.split(", ")))
    longest_first = sorted(map(re.escape, rows), key=len, reverse=True)
    return rf"(?<![\w{{])(?:{'|'.join(longest_first)})(?![\w}}])", rows


def lines():
    """All that can be told: words, sentences and both sides of the tables, without their marks."""
    told = [line for name, pool in _source().items() if name not in TABLES for line in pool]
    for name in TABLES:
        for left, right in _table(name)[1].items():
            told += [left, *right]
    return [bare(line) for line in told]


def bare(line):
    """A line without its fields for the cast and its pools of words, alternatives side by side."""
    return re.sub(r"\{\w+\}|<[\w ]+>|[\[\]|]", " ", line)


class Teller:
    """Tells one story: what it once called something it goes on calling so.

    Args:
        rng: a numpy Generator.
    """

    def __init__(self, rng):
        self._rng, self._called, self._met = rng, {}, set()

    def chosen(self, line):
        """A line with one of each [this|that|], from the innermost on."""
        while re.search(r"\[", line):
            line = re.sub(r"\[([^\[\]]*)\]", lambda found: self._pick(found[1].split("|")), line)
        return line

    def told(self, line):
        """A plot's line in other words: with fields for the cast, without open pools of words."""
        pattern, rows = _table("wordings")
        line = re.sub(pattern, lambda found: self._wording(found[0], rows), self.drawn(line))
        pattern, rows = _table("described")
        line = re.sub(
            rf"\b([Tt]he|[Aa]n?|[Ee]very|\{{f?his\}}) ({pattern})",
            lambda found: f"{found[1]} {self._described(found[2], rows)}",
            line,
        )
        pattern, rows = _table("adverbs")
        line = self._once(
            rf"(\{{(?:N|F|H|He|he|fhe)\}}|\b[Tt]hey) ({pattern})",
            lambda found: f"{found[1]} {self._pick(rows[found[2]])} {found[2]}",
            ADVERB,
            line,
        )
        return self.drawn(
            self._once(
                r"\b(?:said|asked) \{[NFH]\}(?=[.,])|(?:\{[NFH]\}|\{he\}) (?:said|asked)(?=, \")",
                lambda found: f"{found[0]} {self._of('manner')}",
                MANNER,
                line,
            )
        )

    def begun(self, line):
        """A line of something that happens, at times after a word of when or how."""
        opener = rf"^(?=(?:\{{N\}}|\{{F\}}|\{{He\}}|They) {ALREADY})"
        if not re.search(opener, line) or self._rng.random() >= WHEN:
            return line
        line = line[0].lower() + line[1:] if line.startswith("They") else line
        line = "{he}" + line[4:] if line.startswith("{He}") else line
        return self.drawn(f"{self._of('when')}, {line}")

    def detail(self, kind):
        """A sentence of detail, "scenery", "looks" or "evenings", with fields for the cast."""
        return self.drawn(self._of(kind))

    def drawn(self, line):
        """A line with each [this|that] chosen and each <pool> replaced by a word of it."""
        used, line = set(), re.sub(ADJECTIVE, self._spared, self.chosen(line))

        def word(found):
            name = found[1]
            pool = [each for each in _source()[name.lower()] if each not in used]
            used.add(chosen := self._pick(pool))
            return chosen if name[0].islower() else chosen[0].upper() + chosen[1:]

        return re.sub(r"<([\w ]+)>", word, line)

    def land(self):
        """An adjective for a place."""
        return self._of("lands")

    def _spared(self, found):
        return found[1] if self._rng.random() < SPARED else found[0]

    def _wording(self, phrase, rows):
        if phrase not in self._called:
            self._called[phrase] = self.drawn(self._pick(rows[phrase]))
        return self._called[phrase]

    def _described(self, noun, rows):
        first = noun not in self._met
        self._met.add(noun)
        if not first or self._rng.random() >= DESCRIBED:
            return noun
        return f"{self._pick(rows[noun])} {noun}"

    def _once(self, pattern, made, chance, line):
        return re.sub(pattern, made, line, count=1) if self._rng.random() < chance else line

    def _of(self, name):
        return self._pick(_source()[name])

    def _pick(self, choices):
        return choices[self._rng.integers(len(choices))]
