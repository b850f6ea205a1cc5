"""Times calls in turns, so that whatever else the machine does falls on all of them alike.

Knows no model.
"""

import time
from dataclasses import dataclass

import numpy as np

ROUNDS, LEAST = 40, 5  # calls of each, at most and at least
SECONDS = 12.0  # for all calls of a line together, where LEAST of each take less


@dataclass(frozen=True)
class Timing:
    """Seconds that calls of one kind took."""

    first: float  # the first call, which compiles
    median: float
    p95: float


def in_turns(calls):
    """Time functions in turns.

    Args:
        calls: dict of name to function without arguments.

    Returns:
        dict of name to Timing.
    """
    first = {name: _seconds(call) for name, call in calls.items()}
    spent, began = {name: [] for name in calls}, time.perf_counter()
    for count in range(ROUNDS):
        if count >= LEAST and time.perf_counter() - began > SECONDS:
            break
        for name, call in calls.items():
            spent[name].append(_seconds(call))
    return {
        name: Timing(first[name], float(np.median(each)), float(np.percentile(each, 95)))
        for name, each in spent.items()
    }


def line(name, calls, **more):
    """A line of a table: times of `calls`, and how many times as fast as the first each is.

    Returns:
        dict: `name`, `milliseconds`, `p95_ms`, `first_ms` of the first call, and `ratio`, by call.
    """
    spent = in_turns(calls)
    base = next(iter(spent.values())).median
    return {
        "name": name,
        "milliseconds": {key: round(1000 * each.median, 2) for key, each in spent.items()},
        "p95_ms": {key: round(1000 * each.p95, 2) for key, each in spent.items()},
        "first_ms": {key: round(1000 * each.first) for key, each in spent.items()},
        "ratio": {key: round(base / each.median, 2) for key, each in spent.items()},
        **more,
    }


def _seconds(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
