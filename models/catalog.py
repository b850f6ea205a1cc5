"""Every model on offer, one row of data each.

Knows nothing of how a model is loaded or run. Scores are read from the record that the recipe
wrote beside the weights, so a row cannot claim what was not measured.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from models.checks import BadInput

BUNDLED = Path(__file__).parent.parent / "assets" / "models"
DRAWN = "68 things of the picture-book world, drawn"


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

    @property
    def folder(self):
        """Path of the preset."""
        return BUNDLED / self.id

    @property
    def record(self):
        """What the recipe recorded: the contents of training.json, {} before a first training."""
        return _read(self.folder / "training.json", {})

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


MODELS = (
    Model(
        id="efficientnetv2_caltech101",
        capability="classification",
        title="EfficientNetV2 · photos of 101 kinds",
        task="keras_hub.models:ImageClassifier",
        knows="101 kinds of things in photos, from accordion to yin yang",
        limits="One thing to a picture; it names the nearest of its 101 kinds even for what it "
        "never saw.",
        trained_on="Caltech-101 photos",
        licence="CC BY 4.0",
    ),
    Model(
        id="resnet_cifar10",
        capability="classification",
        title="ResNet · photos of 10 kinds",
        task="keras_hub.models:ImageClassifier",
        knows="airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck",
        limits="It sees 32 x 32 pixels, so fine detail is lost.",
        trained_on="CIFAR-10 photos",
        licence="research data set, Krizhevsky 2009",
    ),
    Model(
        id="efficientnetv2_picture_book",
        capability="classification",
        title="EfficientNetV2 · drawings",
        task="keras_hub.models:ImageClassifier",
        knows=DRAWN,
        limits="Drawn things only; for photos choose a photo model.",
        trained_on="rendered picture-book scenes",
        licence="Apache-2.0 (Noto Emoji art)",
    ),
    Model(
        id="retinanet_picture_book",
        capability="detection",
        title="RetinaNet · drawings",
        task="keras_hub.models:ObjectDetector",
        knows=DRAWN,
        limits="Drawn things only, not photos.",
        trained_on="rendered picture-book scenes",
        licence="Apache-2.0 (Noto Emoji art)",
    ),
    Model(
        id="stable_diffusion_picture_book",
        capability="text_to_image",
        title="Stable Diffusion, small · drawings",
        task="models.architectures.stable_diffusion:StableDiffusion",
        knows=DRAWN + ", in ten settings",
        limits="One thing comes out best; fine detail is soft, and several things at once may "
        "merge. Pictures of 128 x 128 pixels.",
        trained_on="rendered picture-book scenes and their captions",
        licence="Apache-2.0 (Noto Emoji art)",
    ),
    Model(
        id="bert_tiny_reviews",
        capability="sentiment",
        title="BERT, tiny · reviews",
        task="keras_hub.models:TextClassifier",
        knows="English opinions of films, products and everyday things",
        limits="English only; irony is lost on it.",
        trained_on="film and product review sentences",
        licence="CC BY 4.0",
    ),
    Model(
        id="gpt2_tiny_stories",
        capability="text_generation",
        title="GPT-2, tiny · stories",
        task="keras_hub.models:CausalLM",
        knows="short stories of the picture-book world",
        limits="Stories only, no facts and no answers; now and then it mixes up a name.",
        trained_on="picture-book stories from our own grammar",
        licence="Apache-2.0",
    ),
    Model(
        id="gpt2_tiny_shakespeare",
        capability="text_generation",
        title="GPT-2, tiny · Shakespeare",
        task="keras_hub.models:CausalLM",
        knows="the sound of Shakespeare's plays",
        limits="It has the manner, not the meaning.",
        trained_on="Shakespeare's plays",
        licence="public domain",
    ),
    Model(
        id="gru_attention_picture_book",
        capability="captioning",
        title="CNN, GRU and attention · drawings",
        task="models.architectures.captioner:Captioner",
        knows=DRAWN + ", where they are and how they stand",
        limits="Drawn scenes only, not photos.",
        trained_on="rendered picture-book scenes and their captions",
        licence="Apache-2.0 (Noto Emoji art)",
    ),
)


def get(name):
    """Return the row of a model.

    Raises:
        BadInput: no model of that name; the message lists the known ones.
    """
    for row in MODELS:
        if row.id == name:
            return row
    known = ", ".join(row.id for row in MODELS)
    raise BadInput(f"No model is called {str(name)[:60]!r}. Choose one of: {known}.")


def of(capability):
    """Return the rows of a capability as a tuple, the default first."""
    return tuple(row for row in MODELS if row.capability == capability)


def pick(name, capability):
    """Return the row called `name`, or the capability's default where it is None.

    Raises:
        BadInput: unknown, or a model for something else.
    """
    if name is None:
        return of(capability)[0]
    row = get(name)
    if row.capability != capability:
        fitting = ", ".join(other.id for other in of(capability))
        raise BadInput(f"{name} is a model for {row.capability}. Choose one of: {fitting}.")
    return row


@functools.cache
def labels(name):
    """Return a model's class names as a tuple of str, in the order of its outputs."""
    return tuple(_read(get(name).folder / "labels.json", []))


def _read(path, default):
    return json.loads(path.read_text()) if path.is_file() else default
