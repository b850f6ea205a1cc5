"""What a row of the catalogue holds: one model on offer, bundled or published.

Knows nothing of how a model is loaded or run. Scores are read from the record that the recipe
wrote beside the weights, so a row cannot claim what was not measured.
"""

import functools
import json
from dataclasses import dataclass, field
from pathlib import Path

from models import hub
from models.sources import HuggingFace, Kaggle

ASSETS = Path(__file__).parent.parent / "assets"
BUNDLED = ASSETS / "models"
APP_MEMORY = 1_000_000_000  # bytes that Keras, the page and the programs take besides weights


@dataclass(frozen=True)
class Model:
    """One model: what it is, what it knows, and what it was trained on."""

    id: str  # architecture_dataset, as Keras presets are named
    capability: str  # the noun of the module that runs it
    title: str
    task: str  # "module:Class" with a `from_preset(folder, dtype=...)`
    knows: str
    limits: str  # what it cannot do, and what to choose instead
    trained_on: str
    licence: str  # of the training data
    # Whether what it draws is never computed in bfloat16, whose rounding grows step by step.
    exact: bool = field(default=False, kw_only=True)
    # How strictly its drawings follow the words unless asked otherwise: as KerasCV has it.
    guidance: float = field(default=7.5, kw_only=True)
    edits: bool = field(default=True, kw_only=True)  # whether changed words can keep its pictures

    @property
    def folder(self):
        """Path of the preset."""
        return BUNDLED / self.id

    @property
    def here(self):
        """Whether it is on this machine."""
        return True

    @property
    def origin(self):
        """Who trained it on what, a sentence."""
        return f"Trained by us on {self.trained_on} ({self.licence}). Held-out {self.score}."

    def names(self):
        """Its class names as a tuple of str, in the order of its outputs."""
        return tuple(_read(self.folder / "labels.json") or ())

    @property
    def record(self):
        """What the recipe recorded: the contents of training.json, {} before a first training."""
        return _read(self.folder / "training.json") or {}

    @property
    def card(self):
        """The model card, Markdown: the README beside the weights, "" before it is written."""
        file = self.folder / "README.md"
        return file.read_text() if file.is_file() else ""

    @property
    def score(self):
        """The held-out score as a reader would say it, e.g. "top-1 accuracy 46.2 %"."""
        if "value" not in self.record:
            return "not yet measured"
        value, measure = self.record["value"], self.record["measure"]
        in_nats = "nats" in measure or "perplexity" in measure
        return f"{measure} {value:.2f}" if in_nats else f"{measure} {value * 100:.1f} %"


@dataclass(frozen=True)
class Reported:
    """What others measured a checkpoint's weights at, before Keras' presets were made of them."""

    score: str  # the measure, its value and on what
    by: str  # who says so
    page: str  # where


@dataclass(frozen=True)
class Published(Model):
    """A published checkpoint, which has to be downloaded once."""

    parameters: int
    classes: str = ""  # whose class names it gives: a file in assets/classes
    preset: str = ""  # its name in keras-hub, where that is another row's id
    kaggle: str = ""  # the preset on Kaggle, as keras-hub names it there
    lies_in: tuple = ()  # its sources, where it is not a preset of keras-hub
    publisher: str = "the Keras team"
    light: bool = True  # enough to begin with it on a CPU
    halved: bool = False  # whether its weights come in two bytes each, not four
    precision: str = ""  # to load it in, where the device's own would take too much memory
    copies: float = 4  # of its weights in memory while its programs are made, about
    reported: Reported | None = None  # None where no figure for these weights was found

    @property
    def ways(self):
        """Where it comes from: tuples of sources that it consists of, either of which will do."""
        if self.lies_in:
            return (self.lies_in,)
        return (HuggingFace(f"keras/{self.name}"),), (Kaggle(self.kaggle),)

    @property
    def name(self):
        """The preset's name in keras-hub, or the id."""
        return self.preset or self.id

    @property
    def folder(self):
        """Path of the preset on this machine, or None."""
        return hub.found(self.name, *self.ways)

    @property
    def here(self):
        """Whether it is on this machine."""
        return self.folder is not None

    @property
    def download(self):
        """Bytes to download, about: by the precision that the weights come in."""
        return (2 if self.halved else 4) * self.parameters

    @property
    def memory(self):
        """Bytes of memory to run, about: copies of the weights, and what the app itself takes."""
        return int(self.copies * (2 if self.precision else 4) * self.parameters) + APP_MEMORY

    @property
    def record(self):
        """Nothing: it was not trained here."""
        return {}

    @property
    def card(self):
        """Where its card is, Markdown."""
        sources = (source for way in self.ways for source in way)
        links = [f"[{each.name}]({each.page}) on {each.title}" for each in sources]
        if self.reported:
            links.append(f"score by [{self.reported.by}]({self.reported.page})")
        return f"{self.origin}\n\nFrom {', '.join(links)}."

    @property
    def score(self):
        """What others report, and that it was not measured here."""
        told = f"reported {self.reported.score}, " if self.reported else ""
        return f"{told}not measured by us"

    @property
    def origin(self):
        """Who trained it on what, a sentence."""
        told = f"Published by {self.publisher}, trained on {self.trained_on} ({self.licence})"
        return f"{told}; {self.score}. {self.parameters:,} parameters."

    def names(self):
        """Its class names as a tuple of str, in the order of its outputs."""
        return tuple(_read(ASSETS / "classes" / f"{self.classes}.json") or ())


@functools.cache  # every result names its model, its score and its classes
def _read(path):
    """What a JSON file holds, None where there is none. Callers leave it as it is."""
    return json.loads(path.read_text()) if path.is_file() else None
