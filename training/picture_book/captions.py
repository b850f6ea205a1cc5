"""Puts a picture-book scene into words, and finds the things that a caption names.

Knows no pixels: it works on what a scene says of its things, sizes and relations.
"""

import collections
import re

from training.picture_book.glyphs import CLASSES

NUMBERS = ("no", "one", "two", "three", "four", "five", "six")
PLURALS = {
    "mouse": "mice",
    "fox": "foxes",
    "fish": "fish",
    "octopus": "octopuses",
    "butterfly": "butterflies",
    "cactus": "cactuses",
    "strawberry": "strawberries",
    "grapes": "bunches of grapes",
    "bus": "buses",
    "snowman": "snowmen",
    "coffee": "cups of coffee",
}
SINGULARS = {"grapes": "bunch of grapes", "coffee": "cup of coffee"}
LOOKS = {
    "car": "red",
    "balloon": "red",
    "apple": "red",
    "rose": "red",
    "bus": "blue",
    "fish": "blue",
    "whale": "blue",
    "tractor": "green",
    "frog": "green",
    "snake": "green",
    "umbrella": "purple",
    "guitar": "red",
    "hat": "black",
    "crown": "golden",
    "key": "golden",
    "sun": "bright",
    "star": "golden",
    "book": "open",
    "cat": "orange",
    "fox": "orange",
    "bear": "brown",
    "horse": "brown",
    "owl": "brown",
    "octopus": "red",
    "rabbit": "grey",
    "elephant": "grey",
    "banana": "ripe",
    "cloud": "grey",
    "chicken": "white",
}
PLACES = {
    "meadow": ("in a meadow", "on the grass", "on a green meadow"),
    "beach": ("on a beach", "at the beach", "on the sand by the sea"),
    "sea": ("at sea", "on the sea", "on the waves", "in the sea"),
    "forest": ("in a forest", "in the forest", "in the woods"),
    "desert": ("in a desert", "in the desert", "on the dunes"),
    "snow": ("in the snow", "on a snowy field", "in winter"),
    "night": ("at night", "in the night", "under a night sky"),
    "city": ("in a city", "in the city", "on a city street"),
    "room": ("in a room", "at home", "indoors"),
    "space": ("in space", "in outer space"),
    "plain": ("on a plain background",),
}
VIEWS = {
    "meadow": ("a meadow", "a green meadow"),
    "beach": ("a beach", "a sandy beach"),
    "sea": ("the sea", "the open sea"),
    "forest": ("a forest", "the woods"),
    "desert": ("a desert", "the desert"),
    "snow": ("a snowy field", "a winter landscape"),
    "night": ("a night scene", "a dark night"),
    "city": ("a city", "a city street"),
    "room": ("a room", "the inside of a room"),
    "space": ("outer space",),
    "plain": ("a plain background",),
}
RELATIONS = {
    "left of": ("to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "right of", "on the right of"),
    "above": ("above", "over"),
    "below": ("below", "under"),
    "in front of": ("in front of",),
    "behind": ("behind",),
}
INVERSE = {"left of": "right of", "above": "below", "in front of": "behind"}
INVERSE |= {b: a for a, b in INVERSE.items()}
PICTURES = (
    "a picture of {}",
    "a drawing of {}",
    "an image of {}",
    "an illustration of {}",
    "there is {}",
    "this is {}",
)


def plural(name):
    """The word for several of a class."""
    return PLURALS.get(name, name + "s")


def article(words):
    """The words after "a" or "an"."""
    return ("an " if words[0] in "aeiou" else "a ") + words


def _pattern():
    words = {}
    for name in CLASSES:
        for form in (name, plural(name), SINGULARS.get(name, name), name + "s"):
            words.setdefault(form, name)
    longest = sorted(words, key=len, reverse=True)
    return words, re.compile(r"\b(" + "|".join(map(re.escape, longest)) + r")\b", re.IGNORECASE)


_WORDS, _NAMED = _pattern()


def named(caption):
    """The classes that a caption names, each once, in the order of the words."""
    found = (_WORDS[match.lower()] for match in _NAMED.findall(caption))
    return list(dict.fromkeys(found))


def _claim_patterns():
    """Patterns of what a caption claims: how two things stand, and how many of one there are."""
    either = "|".join
    names = either(map(re.escape, sorted(_WORDS, key=len, reverse=True)))
    look = either(sorted({*LOOKS.values(), "small", "big"}))
    numbers = either(NUMBERS[2:])
    told = either(
        sorted((way for ways in RELATIONS.values() for way in ways), key=len, reverse=True)
    )
    thing = rf"(?:(?:{look}) )?({names})\b"
    relation = rf"\b({names}) ({told}) (?:an?|the|{numbers}) {thing}"
    return re.compile(relation, re.I), re.compile(rf"\b({numbers}) {thing}", re.I)


_RELATED, _COUNTED = _claim_patterns()
_TOLD = {way: relation for relation, ways in RELATIONS.items() for way in ways}


def claims(caption):
    """What a caption says of its things besides their names.

    Returns:
        list of (name, relation, name), the relation a key of RELATIONS, and of (name, count) where
        the count is stated as a number.
    """
    related = [
        (_WORDS[first.lower()], _TOLD[way.lower()], _WORDS[second.lower()])
        for first, way, second in _RELATED.findall(caption)
    ]
    counted = [
        (_WORDS[name.lower()], NUMBERS.index(number.lower()))
        for number, name in _COUNTED.findall(caption)
    ]
    return related + counted


def holds(claim, names, boxes):
    """Whether a claim is true of things.

    Args:
        claim: one of `claims`.
        names: the things' classes, back to front.
        boxes: (things, 4): left, top, right, bottom.

    Returns:
        bool. Beside and above go by the middles of the boxes; in front, by which was drawn later.
    """
    if len(claim) == 2:
        return names.count(claim[0]) == claim[1]
    first, relation, second = claim
    pairs = [
        (at, other)
        for at, name in enumerate(names)
        for other, another in enumerate(names)
        if (name, another) == (first, second) and at != other
    ]
    return any(_stands(relation, at, other, boxes) for at, other in pairs)


def _stands(relation, at, other, boxes):
    if relation == "in front of":
        return at > other
    if relation == "behind":
        return at < other
    axis, sign = {"left of": (0, 1), "right of": (0, -1), "above": (1, 1), "below": (1, -1)}[
        relation
    ]
    middles = [(boxes[each][axis] + boxes[each][axis + 2]) / 2 for each in (at, other)]
    return sign * (middles[1] - middles[0]) > 0


def _phrase(rng, name, count, size=None):
    """`a dog`, `two dogs`, at times with a look or a size that is true."""
    words = SINGULARS.get(name, name) if count == 1 else plural(name)
    chance = rng.random()
    if chance < 0.12 and name in LOOKS:
        words = f"{LOOKS[name]} {words}"
    elif chance < 0.24 and count == 1 and size is not None and not 0.2 <= size <= 0.55:
        words = f"{'small' if size < 0.2 else 'big'} {words}"
    return article(words) if count == 1 else f"{NUMBERS[count]} {words}"


def _listed(phrases):
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]


def _pick(rng, options):
    return options[int(rng.integers(len(options)))]


def _groups(scene):
    """(class name, count, size of the largest) of each class there, the largest first."""
    sizes = collections.defaultdict(list)
    for name, size in zip(scene.names, scene.sizes, strict=True):
        sizes[name].append(size)
    groups = [(name, len(each), max(each)) for name, each in sizes.items()]
    return sorted(groups, key=lambda group: (-group[2], group[0]))


def _related(rng, scene, groups):
    """A relation of the scene in words, and the classes it names; None where there is none."""
    single = {name for name, count, _ in groups if count == 1}
    choices = [at for at in scene.relations if at[0] in single and at[2] in single]
    if not choices:
        return None, ()
    first, relation, second = _pick(rng, choices)
    if rng.random() < 0.5 and (relation != "in front of" or rng.random() < 0.5):
        first, relation, second = second, INVERSE[relation], first
    sizes = {name: size for name, _, size in groups}
    words = [_phrase(rng, name, 1, sizes[name]) for name in (first, second)]
    return f"{words[0]} {_pick(rng, RELATIONS[relation])} {words[1]}", (first, second)


def _sentence(rng, scene, complete):
    groups = _groups(scene)
    if not complete and len(groups) > 2 and rng.random() < 0.4:
        groups = groups[: int(rng.integers(1, len(groups)))]
    if rng.random() < 0.3:
        groups = [groups[at] for at in rng.permutation(len(groups))]
    related, told = (None, ()) if rng.random() < 0.5 else _related(rng, scene, groups)
    if not complete and related and rng.random() < 0.6:
        groups = []
    rest = [_phrase(rng, *group) for group in groups if group[0] not in told]
    body = related or _listed(rest)
    if related and rest:
        body = f"{related}, with {_listed(rest)}"
    return _framed(rng, body, scene.setting)


def _framed(rng, body, setting):
    """The body with the setting before or after it or left out, as a bare phrase or a sentence."""
    chance = rng.random()
    known = setting != "plain" or rng.random() < 0.3
    if chance < 0.15 and known:
        return f"{_pick(rng, VIEWS[setting])} with {body}"
    if chance < 0.75 and known:
        body = f"{body} {_pick(rng, PLACES[setting])}"
    return _pick(rng, PICTURES).format(body) if rng.random() < 0.25 else body


def captions(scene, rng, count=5, complete=False):
    """`count` true captions, different where they can be; `complete` ones name all classes."""
    found = []
    for _ in range(4 * count):
        text = _sentence(rng, scene, complete)
        if text not in found:
            found.append(text)
        if len(found) == count:
            return found
    return (found * count)[:count]
