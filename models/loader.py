"""load(name): build a model once, keep it within a memory budget, give it to whoever asks.

Knows nothing of what a model does. One load at a time: two at once would need the memory of both
before either can be judged.
"""

import contextlib
import functools
import hashlib
import importlib
import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import psutil

from models import catalog, runtime, workshop
from models.results import Run
from models.rows import Model, Published

SHARE = 0.6  # of the memory available at start that models may hold


class LoadError(RuntimeError):
    """A model could not be loaded; the message names the model and what to do."""


@dataclass
class Loaded:
    """A model ready to run.

    Where what it is asked is kept on disk from an earlier start, as programs and facts, it is never
    built, and Keras is not imported for it.
    """

    row: Model
    build: Callable  # gives the Keras task or backbone, slow
    nbytes: int = 0  # memory that its weights hold
    seconds: float = 0.0  # it took to load
    key: str | None = None  # stands for the weights; None keeps them from being converted
    lock: threading.Lock = field(default_factory=threading.Lock)  # taken per step, never over yield
    users: int = 0
    _callables: dict = field(default_factory=dict)
    _facts: dict = field(default_factory=dict)
    _building: threading.Lock = field(default_factory=threading.Lock)

    @functools.cached_property
    def _built(self):
        return self.build()

    @property
    def model(self):
        """The Keras task or backbone, built when it is first asked for."""
        with self._building:
            return self._built

    def told(self, function: Callable, *given):
        """Return `function(model, *given)`, JSON values, kept on disk where programs are."""
        asked = (function, *given)
        if asked not in self._facts:
            make = functools.partial(self._make, function, given, fact=True)
            self._facts[asked] = runtime.fact(
                function, lambda: self.model, self.key, *given, make=make
            )
        return self._facts[asked]

    def compiled(self, function: Callable, exact=False, light=False):
        """Return `function(model, *arrays)` compiled, built on the first call for `function`.

        `exact` keeps it from bfloat16, whose rounding would change which of two words is likelier,
        and a text's score with the number of texts beside it. `light` lets weights be int8 where
        they are many, as `converted.program` says.
        """
        if function not in self._callables:
            make = functools.partial(self._make, function, exact=exact, light=light)
            self._callables[function] = runtime.Compiled(
                function, lambda: self.model, self.key, exact, make, light
            )
        return self._callables[function]

    def _make(self, function, given, fact=False, exact=False, light=False):
        """Have a program or a fact kept on disk by the row's workshop, if it is open."""
        apart = workshop.of(self.row)
        if apart.opened:
            job = workshop.Job(self.row, budget(), function, tuple(given), fact, exact, light)
            apart.make(job)

    def choices(self):
        """Return what runs each function so far: a dict of its name to a list of `Choice`."""
        return {each.name: list(each.choices.values()) for each in list(self._callables.values())}

    def run(self, began, seed=None):
        """Return the Run of a result whose work began at `began` (time.perf_counter())."""
        elapsed = time.perf_counter() - began
        made = [choice for each in self.choices().values() for choice in each]
        if not made:  # Keras itself ran it
            made = [runtime.plainly(self.model)]
        engine = " and ".join(sorted({choice.engine for choice in made}))
        precision = " and ".join(sorted({choice.precision for choice in made}))
        device = "CPU" if runtime.on_cpu() else runtime.start().name
        return Run(self.row.id, elapsed, device, engine, precision, seed)


def _build(row):
    """Build a model from its preset with the `from_preset` that a published checkpoint takes."""
    device = runtime.start()
    module, _, name = row.task.partition(":")
    task = getattr(importlib.import_module(module), name)
    with runtime.building:
        return task.from_preset(str(row.folder), dtype=_precision(row, device))


def unshelved(row):
    """Return the Loaded of a row that no shelf keeps."""
    return Loaded(row, functools.partial(_build, row), key=_identify(row))


def _precision(row, device):
    """The dtype policy that a row is loaded in."""
    if _halved(row):
        return "float16" if device.precision == "mixed_float16" else "bfloat16"
    return getattr(row, "precision", "") or device.precision


def _halved(row):
    """Whether weights are loaded in two bytes each, since four would take all of the budget."""
    return isinstance(row, Published) and not row.precision and 4 * row.parameters > budget()


def _identify(row):
    """What stands for the weights of a preset that is on this machine, as they are loaded."""
    folder = row.folder
    if folder is None:
        raise LoadError(
            f"{row.title} is not on this machine yet. Press Download under the picker of models, "
            "or choose another model."
        )
    return fingerprint(folder) + (" halved" if _halved(row) else "")


def weight_bytes(model):
    """Bytes of memory that a model's weights hold."""
    from keras import ops

    return sum(ops.convert_to_numpy(weight).nbytes for weight in model.weights)


def fingerprint(folder):
    """Return a hash of a preset's files, which stands for its weights in what is converted."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".h5", ".json", ".txt"):
            digest.update(file.read_bytes())
    return digest.hexdigest()


class Shelf:
    """The models in memory: single flight, least recently used out first, within a budget.

    Args:
        budget: int, bytes that the weights of all models together may hold.
        build: callable(row) -> Keras object, slow; called for one model at a time.
        identify: callable(row) -> str that stands for the row's weights, or None; raises LoadError.
    """

    def __init__(self, budget, build=_build, identify=_identify):
        self.budget = budget
        self.counts = Counter()  # of loads, failures and evictions since the start
        self._build, self._identify = build, identify
        self._models = OrderedDict()  # id to Loaded, most recently used last
        self._failed = {}  # id to the LoadError of its last try
        self._state = threading.RLock()
        self._loading = threading.RLock()

    def load(self, name):
        """Return the Loaded called `name`.

        Raises:
            BadInput: no model of that name.
            LoadError: it could not be built. Whoever waited for it gets the same error; the next
                call tries again.
        """
        row = catalog.get(name)
        found, before = self._find(name), self._failed.get(name)
        if found:
            return found
        with self._loading:
            failed = self._failed.get(name)
            if failed is not before:
                raise LoadError(str(failed))
            return self._find(name) or self._add(row)

    @contextlib.contextmanager
    def use(self, name):
        """Load a model and keep it from eviction until the block ends (which may span yields)."""
        loaded = self._pin(name)
        try:
            yield loaded
        finally:
            with self._state:
                loaded.users -= 1
            self._evict(room=0)

    def models(self):
        """Return the Loaded models as a tuple, most recently used last."""
        with self._state:
            return tuple(self._models.values())

    def _pin(self, name):
        while True:
            loaded = self.load(name)
            with self._state:
                if self._models.get(name) is loaded:
                    loaded.users += 1
                    return loaded

    def _find(self, name):
        with self._state:
            if name in self._models:
                self._models.move_to_end(name)
            return self._models.get(name)

    def _add(self, row):
        began = time.perf_counter()
        try:
            loaded = Loaded(row, functools.partial(self._built, row), key=self._identify(row))
            loaded.nbytes = loaded.told(weight_bytes)
        except LoadError:
            raise
        except Exception as error:
            self.counts["failures"] += 1
            logging.getLogger(__name__).exception("loading %s failed", row.id)
            way_out = "install the app anew"
            if isinstance(row, Published):
                way_out = f"delete {row.folder} and download it again"
            self._failed[row.id] = LoadError(
                f"{row.id} could not be loaded ({type(error).__name__}). "
                f"Try again; if it stays so, {way_out}."
            )
            raise self._failed[row.id] from error
        loaded.seconds = time.perf_counter() - began
        self._evict(room=loaded.nbytes)
        with self._state:
            self._models[row.id] = loaded
            self.counts["loads"] += 1
        return loaded

    def _built(self, row):
        with self._loading:
            return self._build(row)

    def evict_idle(self):
        """Drop every model that nobody uses, to make room."""
        self._evict(room=self.budget)

    def _evict(self, room):
        """Drop idle models, the least recently used first, until `room` more bytes fit."""
        with self._state:
            held = sum(loaded.nbytes for loaded in self.models())
            for loaded in self.models():
                if held + room <= self.budget:
                    return
                if not loaded.users:
                    del self._models[loaded.row.id]
                    self.counts["evictions"] += 1
                    held -= loaded.nbytes


def default_budget():
    """Return the bytes that models may hold unless told otherwise: a share of what is free now."""
    return int(SHARE * psutil.virtual_memory().available)


_shelf = Shelf(default_budget())
load, use, models = _shelf.load, _shelf.use, _shelf.models
evict_idle, counts = _shelf.evict_idle, _shelf.counts


def set_budget(nbytes):
    """Let models hold `nbytes` bytes in all from now on."""
    _shelf.budget = int(nbytes)


def budget():
    """Return the bytes that models may hold in all."""
    return _shelf.budget
