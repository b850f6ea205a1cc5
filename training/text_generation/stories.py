"""Tells picture-book stories from a grammar of plots: one cast, one place, cause and consequence.

Knows no model. Deterministic by seed; the plots and their wording stand in stories.txt.
"""

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("stories.txt")

PLACES = {
    "meadow": ("in the meadow", "the meadow"),
    "forest": ("in the forest", "the forest"),
    "beach": ("on the beach", "the beach"),
    "sea": ("by the sea", "the sea"),
    "desert": ("in the desert", "the desert"),
    "snow": ("in the snow", "the white land"),
    "city": ("in the city", "the city"),
    "room": ("in a small house", "the house"),
    "space": ("on a small planet", "the planet"),
    "village": ("in the village", "the village"),
    "hill": ("on a green hill", "the hill"),
    "river": ("by the river", "the river"),
    "garden": ("in a garden", "the garden"),
    "farm": ("on a farm", "the farm"),
    "jungle": ("in the jungle", "the jungle"),
    "island": ("on an island", "the island"),
}
NAMES = ("girls", "boys", "towns", "syllables")
MADE_UP = 0.25  # of the names and towns are new ones, so that a model learns to copy names


@dataclass(frozen=True)
class Plot:
    """One plot: `beats`, each a tuple of ways to tell it; the things and places that fit."""

    name: str
    beats: tuple[tuple[str, ...], ...]
    things: tuple[str, ...]
    places: tuple[str, ...]
    owner: str


@dataclass(frozen=True)
class Story:
    """A story: its text, what its hero is called, and the plot's name."""

    text: str
    hero: str
    plot: str


@functools.cache
def _source():
    """What stands in stories.txt: words and lines by name, and the plots."""
    text = re.sub(r"^#.*\n", "", SOURCE.read_text(), flags=re.M)
    parts = re.findall(r"^(\*|@|==) (.+)\n((?:(?!\*|@|==).*\n)*)", text, flags=re.M)
    pools = {
        name: tuple(re.split(r",\s+", body.strip())) for mark, name, body in parts if mark == "*"
    }
    pools |= {name: tuple(body.strip().split("\n")) for mark, name, body in parts if mark == "@"}
    return pools, tuple(_plot(name, body) for mark, name, body in parts if mark == "==")


def _plot(name, body):
    settings = dict(re.findall(r"^(things|places|owner): (.+)\n", body, flags=re.M))
    body = re.sub(r"^(things|places|owner): .+\n", "", body, flags=re.M)
    everywhere = ", ".join([*(set(PLACES) - {"room", "space", "desert"}), "town"])
    return Plot(
        name=name,
        beats=tuple(tuple(beat.split("\n")) for beat in body.strip().split("\n\n")),
        things=tuple(settings["things"].split(", ")) if "things" in settings else (),
        places=tuple(sorted(settings.get("places", everywhere).split(", "))),
        owner=settings.get("owner", "hero"),
    )


def plots():
    """All plots, a tuple of `Plot`."""
    return _source()[1]


def story(seed):
    """Tell the story of one seed.

    Args:
        seed: int, or a sequence of ints.

    Returns:
        A `Story` of 8 to 19 sentences.
    """
    rng = np.random.default_rng(seed)
    plot = plots()[rng.integers(len(plots()))]
    named = rng.random() < 0.88
    cast = _cast(rng, plot, named)
    lines = [_opening(rng, plot, cast, named)]
    if rng.random() < 0.4:
        lines.append(_word(rng, "trait"))
    lines += _beats(rng, plot)
    if rng.random() < 0.35:
        lines.append(_word(rng, "ending"))
    if rng.random() < 0.06:
        del lines[0]  # the visitor may start anywhere
    text = _fill(" ".join(lines), cast)
    if rng.random() < 0.03:
        text = text[0].lower() + text[1:]
    return Story(text, cast["N"], plot.name)


@functools.cache
def lexicon():
    """Every word that the grammar can write in lower case, but for the names that it makes up."""
    pools, told = _source()
    lines = [line for name, pool in pools.items() if name not in NAMES for line in pool]
    lines += [line for plot in told for beat in (*plot.beats, plot.things) for line in beat]
    lines += [line for place in PLACES.values() for line in place]
    lines.append("a an he him his she her")
    return frozenset(words(re.sub(r"\{\w+\}", " ", " ".join(lines))))


def words(text):
    """The words of a text in lower case, without marks."""
    return re.findall(r"[a-z]+", text.lower())


def names(text):
    """The names in a text that the grammar knows, in order, with repeats."""
    known = {*_source()[0]["girls"], *_source()[0]["boys"]}
    return [word for word in re.findall(r"\b[A-Z][a-z]+\b", text) if word in known]


def sentences(text):
    """The text cut after each full stop, question mark or exclamation mark and its quotation mark.

    What is spoken stays with who speaks: a mark inside quotation marks ends the sentence only
    where a capital follows.
    """
    return re.split(r'(?<=[.!?])\s+(?=["A-Z])|(?<=[.!?]")\s+(?=["A-Z])', text.strip())


def _beats(rng, plot):
    """One way to tell each beat; the last one names the hero if the two before it do not."""
    told = [_pick(rng, beat) for beat in plot.beats]
    if not any("{N}" in line for line in told[-3:]):
        told[-1] = _pick(rng, [line for line in plot.beats[-1] if "{N}" in line] or told[-1:])
    return told


def _pick(rng, choices):
    return choices[rng.integers(len(choices))]


def _word(rng, name):
    return _pick(rng, _source()[0][name])


def _cast(rng, plot, named):
    """Who and what the story is about: the value of every field."""
    pools = _source()[0]
    female, friend_female = rng.random(2) < 0.5
    kind, friend = _kind(rng, female), _kind(rng, friend_female)
    while friend == kind:
        friend = _kind(rng, friend_female)
    adjective = _word(rng, "adjectives")
    thing = _pick(rng, plot.things or pools["things"])
    look = _word(rng, "looks") if rng.random() < 0.3 else _word(rng, "colors")
    place = _pick(rng, plot.places)
    town = _invented(rng) if rng.random() < MADE_UP else _word(rng, "towns")
    where = ("in " + town, town) if place == "town" else PLACES[place]
    hero, other = _name(rng, female), _name(rng, friend_female)
    while other == hero:
        other = _name(rng, friend_female)
    stranger = _word(rng, "strangers")
    kindly = _pick(rng, [one for one in pools["adjectives"] if one != adjective])
    return {
        "N": hero if named else f"the {adjective} {kind}",
        "N0": f"a {adjective} {kind}",
        "K": kind,
        "A": adjective,
        "F": other if named else f"the {kindly} {friend}",
        "F0": f"{other} the {friend}" if named else f"a {kindly} {friend}",
        "H": f"the {stranger}",
        "H0": f"a {stranger}",
        "T": f"{look} {thing}",
        "t": thing,
        "C": _pick(rng, [food for food in pools["foods"] if food != thing]),
        "P": where[0],
        "Q": where[1],
        "Z": town if place == "town" else None,
        "W": _word(rng, "skies"),
        **dict(zip(("he", "him", "his"), _pronouns(female), strict=True)),
        **dict(zip(("fhe", "fhim", "fhis"), _pronouns(friend_female), strict=True)),
    }


def _kind(rng, female):
    if rng.random() < 0.12:
        return _word(rng, "girl kinds" if female else "boy kinds")
    return _word(rng, "animals")


def _pronouns(female):
    return ("she", "her", "her") if female else ("he", "him", "his")


def _name(rng, female):
    if rng.random() < MADE_UP:
        return _invented(rng)
    return _word(rng, "girls" if female else "boys")


def _invented(rng):
    return "".join(_word(rng, "syllables") for _ in range(rng.integers(2, 4))).capitalize()


def _opening(rng, plot, cast, named):
    if not named:
        return _word(rng, "unnamed")
    if cast["Z"] and rng.random() < 0.6:
        return _word(rng, "town")
    if plot.things and plot.owner != "friend" and rng.random() < 0.4:
        return _word(rng, "found" if plot.owner == "found" else "owned")
    return _word(rng, rng.choice(("named", "dialogue", "weather"), p=(0.7, 0.12, 0.18)))


def _fill(template, cast):
    """Put the cast into a text; friend and stranger are introduced where they first appear."""
    met, done = set(), ""
    for part in re.split(r"(\{\w+\})", template):
        if part.startswith("{"):
            field = part[1:-1]
            name = field if field in cast else field.lower()
            first = name in ("F", "H") and name not in met
            met.add(name)
            part = cast[name + "0"] if first else cast[name]
            if field != name or re.search(r'(?:^|[.!?]"? |^"| ")$', done):
                part = part[0].upper() + part[1:]
        done += part
    return re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", done)
