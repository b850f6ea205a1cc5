"""Finds a model among all on offer: by its name, or those of a capability.

Knows nothing of how a model is loaded or run. What pickers offer besides the bundled models, the
app says once at its start.
"""

from models.bundled import MODELS
from models.checks import BadInput
from models.published import PUBLISHED
from models.rows import Published

_offered = "bundled"  # what `offered` gives besides the bundled models


def offer(published):
    """Say which checkpoints pickers show beside the bundled models.

    Args:
        published: "bundled" for none, "here" for those on this machine, "all".
    """
    global _offered
    _offered = published


def get(name):
    """Return the row of a model.

    Raises:
        BadInput: no model of that name; the message lists the known ones.
    """
    for row in (*MODELS, *PUBLISHED):
        if isinstance(name, str) and row.id == name:
            return row
    known = ", ".join(row.id for row in offered())
    came = repr(name[:60]) if isinstance(name, str) else f"a value of type {type(name).__name__}"
    raise BadInput(f"No model is called {came}. Choose one of: {known}.")


def of(capability):
    """Return the bundled rows of a capability as a tuple, the default first."""
    return tuple(row for row in MODELS if row.capability == capability)


def offered(capability=None):
    """Return the rows that pickers show, of a capability or all: bundled ones, then published."""
    shown = {"bundled": lambda row: False, "here": lambda row: row.here, "all": lambda row: True}
    published = filter(shown[_offered], PUBLISHED)
    return tuple(row for row in (*MODELS, *published) if capability in (None, row.capability))


def default(capability):
    """Return the row to begin with: a light published one if here and offered, else a bundled."""
    rows = offered(capability)
    here = [row for row in rows if isinstance(row, Published) and row.light and row.here]
    return (here or rows)[0]


def pick(name, capability):
    """Return the row called `name`, or the capability's default where it is None.

    Raises:
        BadInput: unknown, or a model for something else.
    """
    if name is None:
        return default(capability)
    row = get(name)
    if row.capability != capability:
        fitting = ", ".join(other.id for other in offered(capability))
        raise BadInput(f"{name} is a model for {row.capability}. Choose one of: {fitting}.")
    return row


def labels(name):
    """Return a model's class names as a tuple of str, in the order of its outputs."""
    return get(name).names()
