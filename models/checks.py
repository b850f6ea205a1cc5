"""Checks of what a caller sends: text, numbers, choices.

Knows no page and no model. Every message says what was expected, what came and what to do.
"""

import numbers
import secrets

TEXT_LIMIT = 20_000  # characters; more than any bundled model reads


class BadInput(ValueError):
    """The caller can fix this; the message is shown to the visitor as it is."""


def text(value, name="text", limit=TEXT_LIMIT):
    """Return `value` without what no tokenizer takes (NUL, lone surrogates), stripped of margins.

    Raises:
        BadInput: not a string, nothing but space, or over `limit` characters.
    """
    if not isinstance(value, str):
        raise BadInput(f"The {name} has to be text, but {_kind(value)} came. Type something.")
    if len(value) > limit:
        raise BadInput(
            f"The {name} is {len(value):,} characters long; at most {limit:,} are read. Shorten it."
        )
    clean = value.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8").strip()
    if not clean:
        raise BadInput(f"The {name} is empty. Type something, or click an example.")
    return clean


def number(value, name, low, high, integer=False):
    """Return `value` as a float, or an int where `integer`, within [low, high].

    Raises:
        BadInput: not a number, not finite, not whole where it has to be, or out of range.
    """
    expected = f"{name} has to be a {'whole ' if integer else ''}number from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise BadInput(f"{expected}, but {_kind(value)} came.")
    if not low <= value <= high or (integer and value != int(value)):
        raise BadInput(f"{expected}, but {_written(value)} came.")
    return int(value) if integer else float(value)


def choice(value, name, choices):
    """Return `value` if it is one of `choices`.

    Raises:
        BadInput: it is not; the message lists the choices.
    """
    choices = tuple(choices)
    if isinstance(value, str) and value in choices:
        return value
    came = repr(value[:40]) if isinstance(value, str) else _kind(value)
    raise BadInput(f"{name} {came} is not known. Choose one of: {', '.join(choices)}.")


def names(value, name):
    """Return `value`, some names, as a tuple of str; () for None.

    Raises:
        BadInput: not a list, tuple or set of str.
    """
    if value is None:
        return ()
    if isinstance(value, (list, tuple, set)) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise BadInput(f"The {name} have to be a list of names, but {_kind(value)} came.")


def seed(value):
    """Return `value` as an int in [0, 2**31 - 1], or a fresh random one where it is None.

    Raises:
        BadInput: not a whole number in the range.
    """
    if value is None:
        return secrets.randbelow(2**31)
    return number(value, "The seed", 0, 2**31 - 1, integer=True)


def _written(value):
    try:
        return f"{float(value):g}"
    except OverflowError:
        return "one that is far too large"


def _kind(value):
    if value is None:
        return "nothing"
    if isinstance(value, (bool, float)):
        return str(value)
    return f"a value of type {type(value).__name__}"
