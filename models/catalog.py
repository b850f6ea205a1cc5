"""Every model on offer, one row of data each.

Knows nothing of how a model is loaded or run. Scores are read from the record that the recipe
wrote beside the weights, so a row cannot claim what was not measured.
"""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from models import hub
from models.checks import BadInput

BUNDLED = Path(__file__).parent.parent / "assets" / "models"
CLIP = hub.Part(
    "keras/clip_vit_large_patch14",
    ("assets/tokenizer/vocabulary.json", "assets/tokenizer/merges.txt"),
)
APP_MEMORY = 1_000_000_000  # bytes that Keras, the page and the programs take besides weights
COCO_GAPS = (0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83)  # ids of COCO that no box has
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
    def here(self):
        """Whether it is on this machine."""
        return True

    @property
    def origin(self):
        """Who trained it on what, a sentence."""
        return f"Trained by us on {self.trained_on} ({self.licence}). Held-out {self.score}."

    def names(self):
        """Its class names as a tuple of str, in the order of its outputs."""
        return tuple(_read(self.folder / "labels.json", []))

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


@dataclass(frozen=True)
class Published(Model):
    """A published checkpoint, which has to be downloaded once."""

    parameters: int
    classes: str = ""  # whose class names it gives: a key of `_named`
    preset: str = ""  # its name in keras-hub, where that is another row's id
    lies_in: tuple = ()  # hub.Parts, where it is not a preset of keras-hub
    publisher: str = "the Keras team"
    light: bool = True  # enough to begin with it on a CPU
    precision: str = ""  # to load it in, where the device's own would take too much memory
    copies: int = 4  # of its weights in memory while its programs are made, about

    @property
    def repo(self):
        """Where it lies on the Hugging Face hub, the main part of it."""
        return self.parts[0].repo

    @property
    def parts(self):
        """The hub.Parts that it consists of."""
        return self.lies_in or (hub.Part(f"keras/{self.name}"),)

    @property
    def name(self):
        """The preset's name in keras-hub, or the id."""
        return self.preset or self.id

    @property
    def folder(self):
        """Path of the preset on this machine, or None."""
        return hub.found(self.name, *self.parts)

    @property
    def here(self):
        """Whether it is on this machine."""
        return self.folder is not None

    @property
    def download(self):
        """Bytes to download, about: by the precision that the weights come in."""
        return (2 if self.precision else 4) * self.parameters

    @property
    def memory(self):
        """Bytes of memory to run, about: copies of the weights, and what the app itself takes."""
        return self.copies * self.download + APP_MEMORY

    @property
    def record(self):
        """Nothing: it was not trained here."""
        return {}

    @property
    def card(self):
        """Where its card is, Markdown."""
        links = [f"[{each.repo}](https://huggingface.co/{each.repo})" for each in self.parts]
        return f"{self.origin}\n\nOn the hub: {', '.join(links)}"

    @property
    def score(self):
        """That we know of none: nothing is claimed that was not measured here."""
        return "not measured by us"

    @property
    def origin(self):
        """Who trained it on what, a sentence."""
        told = f"Published by {self.publisher}, trained on {self.trained_on} ({self.licence})"
        return f"{told}; {self.score}. {self.parameters:,} parameters."

    def names(self):
        """Its class names as a tuple of str, in the order of its outputs."""
        return _named(self.classes)


def _named(classes):
    """The class names of a data set, those of the pictures' from keras-hub."""
    if classes == "sentiment":
        return ("negative", "positive")
    import keras_hub

    if classes == "imagenet":
        names = [keras_hub.utils.imagenet_id_to_name(at) for at in range(1000)]
    else:  # COCO numbers 91 kinds and draws boxes around 80 of them
        gaps = COCO_GAPS if classes == "coco 80" else ()
        names = [keras_hub.utils.coco_id_to_name(at) for at in range(91) if at not in gaps]
    return tuple(name.replace("_", " ") for name in names)


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


PUBLISHED = (
    Published(
        id="efficientnet_b0_ra_imagenet",
        capability="classification",
        title="EfficientNet B0 · ImageNet",
        task="keras_hub.models:ImageClassifier",
        knows="1,000 kinds of things in photos: animals down to the breed, tools, food, places",
        limits="One thing to a picture; people and drawings are not among its kinds.",
        trained_on="ImageNet-1k",
        licence="Apache-2.0",
        parameters=5_288_548,
        classes="imagenet",
    ),
    Published(
        id="mobilenet_v3_small_100_imagenet",
        capability="classification",
        title="MobileNetV3 small · ImageNet",
        task="keras_hub.models:ImageClassifier",
        knows="1,000 kinds of things in photos",
        limits="The smallest and quickest of the ImageNet models, and the least sure.",
        trained_on="ImageNet-1k",
        licence="Apache-2.0",
        parameters=939_120,
        classes="imagenet",
    ),
    Published(
        id="resnet_50_imagenet",
        capability="classification",
        title="ResNet-50 · ImageNet",
        task="keras_hub.models:ImageClassifier",
        knows="1,000 kinds of things in photos",
        limits="One thing to a picture; people and drawings are not among its kinds.",
        trained_on="ImageNet-1k",
        licence="Apache-2.0",
        parameters=23_561_152,
        classes="imagenet",
    ),
    Published(
        id="vit_base_patch16_224_imagenet",
        capability="classification",
        title="ViT base · ImageNet",
        task="keras_hub.models:ImageClassifier",
        knows="1,000 kinds of things in photos",
        limits="The largest of the ImageNet models, and the slowest on a CPU.",
        trained_on="ImageNet-1k",
        licence="Apache-2.0",
        parameters=85_798_656,
        classes="imagenet",
    ),
    Published(
        id="retinanet_resnet50_fpn_v2_coco",
        capability="detection",
        title="RetinaNet ResNet-50 · COCO",
        task="keras_hub.models:ObjectDetector",
        knows="80 kinds of everyday things in photos: people, animals, vehicles, furniture, food",
        limits="Photos rather than drawings.",
        trained_on="COCO",
        licence="Apache-2.0",
        parameters=31_558_592,
        classes="coco",
    ),
    Published(
        id="dfine_nano_coco",
        capability="detection",
        title="D-FINE nano · COCO",
        task="keras_hub.models:ObjectDetector",
        knows="80 kinds of everyday things in photos: people, animals, vehicles, furniture, food",
        limits="Photos rather than drawings; the smallest, so small and crowded things are missed.",
        trained_on="COCO",
        licence="Apache-2.0",
        parameters=3_788_625,
        classes="coco 80",
    ),
    Published(
        id="dfine_small_coco",
        capability="detection",
        title="D-FINE small · COCO",
        task="keras_hub.models:ObjectDetector",
        knows="80 kinds of everyday things in photos: people, animals, vehicles, furniture, food",
        limits="Photos rather than drawings.",
        trained_on="COCO",
        licence="Apache-2.0",
        parameters=10_329_321,
        classes="coco 80",
    ),
    Published(
        id="stable_diffusion_1.4",
        capability="text_to_image",
        title="Stable Diffusion 1.4",
        task="models.architectures.published_diffusion:StableDiffusion14",
        knows="whatever can be said in up to 75 pieces of words, in any style",
        limits="Minutes to a picture on a CPU; hands, faces and lettering go wrong. Guidance 7.5 "
        "suits it. Pictures of 512 x 512 pixels.",
        trained_on="LAION pictures and their captions",
        licence="CreativeML Open RAIL-M",
        parameters=1_032_071_643,
        publisher="KerasCV's authors",
        light=False,
        lies_in=(
            hub.Part(
                "fchollet/stable-diffusion",
                ("kcv_encoder.h5", "kcv_diffusion_model.h5", "kcv_decoder.h5"),
            ),
            CLIP,
        ),
    ),
    Published(
        id="stable_diffusion_2.1",
        capability="text_to_image",
        title="Stable Diffusion 2.1",
        task="models.architectures.published_diffusion:StableDiffusion21",
        knows="whatever can be said in up to 75 pieces of words, in any style",
        limits="Minutes to a picture on a CPU; hands, faces and lettering go wrong. Guidance 7.5 "
        "suits it. Pictures of 512 x 512 pixels.",
        trained_on="LAION pictures and their captions",
        licence="CreativeML Open RAIL++-M",
        parameters=1_255_788_763,
        publisher="KerasCV's authors",
        light=False,
        lies_in=(
            hub.Part(
                "ianstenbit/keras-sd2.1",
                ("text_encoder_v2_1.h5", "diffusion_model_v2_1.h5"),
            ),
            hub.Part("fchollet/stable-diffusion", ("kcv_decoder.h5",)),
            CLIP,
        ),
    ),
    Published(
        id="bert_tiny_en_uncased_sst2",
        capability="sentiment",
        title="BERT tiny · SST-2",
        task="keras_hub.models:TextClassifier",
        knows="English opinions of films",
        limits="English only; irony is lost on it.",
        trained_on="English text, then SST-2",
        licence="Apache-2.0",
        parameters=4_385_920,
        classes="sentiment",
    ),
    Published(
        id="qwen3_0.6b_en_zero_shot",
        preset="qwen3_0.6b_en",
        capability="sentiment",
        title="Qwen3 0.6B · asked",
        task="keras_hub.models:CausalLM",
        knows="whatever it has read: it is asked whether a text is positive or negative",
        limits="Never trained for this, so how sure it says it is means little; of a long text it "
        "reads the first thousand pieces.",
        trained_on="web text, books and code",
        licence="Apache-2.0",
        parameters=596_049_920,
        classes="sentiment",
    ),
    Published(
        id="gpt2_base_en",
        capability="text_generation",
        title="GPT-2 base",
        task="keras_hub.models:CausalLM",
        knows="English of all kinds, up to 2019",
        limits="It makes facts up, and repeats what the web says, the ugly included.",
        trained_on="WebText",
        licence="MIT",
        copies=6,  # two programs of it
        parameters=124_439_808,
    ),
    Published(
        id="gpt2_medium_en",
        capability="text_generation",
        title="GPT-2 medium",
        task="keras_hub.models:CausalLM",
        knows="English of all kinds, up to 2019",
        limits="It makes facts up, and repeats what the web says, the ugly included.",
        trained_on="WebText",
        licence="MIT",
        copies=6,  # two programs of it
        parameters=354_823_168,
    ),
    Published(
        id="gpt2_base_en_cnn_dailymail",
        capability="text_generation",
        title="GPT-2 base · news",
        task="keras_hub.models:CausalLM",
        knows="English news and their summaries",
        limits="It makes facts up.",
        trained_on="WebText, then CNN and Daily Mail",
        licence="MIT",
        copies=6,  # two programs of it
        parameters=124_439_808,
    ),
    Published(
        id="qwen3_0.6b_en",
        capability="text_generation",
        title="Qwen3 0.6B",
        task="keras_hub.models:CausalLM",
        knows="English and code, far more of both than GPT-2",
        limits="It continues a text and is no chat here; it makes facts up.",
        trained_on="web text, books and code",
        licence="Apache-2.0",
        copies=6,  # two programs of it
        parameters=596_049_920,
    ),
    Published(
        id="pali_gemma_3b_mix_224",
        capability="captioning",
        title="PaliGemma 3B",
        task="keras_hub.models:CausalLM",
        knows="photos and drawings of all kinds, in English",
        limits="Slow on a CPU, and it does not say how sure it is. Its licence has to be accepted "
        "on the hub first.",
        trained_on="WebLI and mixed tasks",
        licence="Gemma terms of use",
        copies=2,  # none is made of it
        parameters=2_923_335_408,
        light=False,
        precision="bfloat16",
    ),
    Published(
        id="blip2_opt_2.7b",
        capability="captioning",
        title="BLIP-2 with OPT 2.7B",
        task="keras_hub.models:BLIP2CausalLM",
        knows="photos of all kinds, in English",
        limits="Slow on a CPU, and it does not say how sure it is.",
        trained_on="captioned photos of the web and of COCO",
        licence="MIT",
        copies=2,  # none is made of it
        parameters=3_744_761_856,
        light=False,
        precision="bfloat16",
    ),
)
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


@functools.cache
def labels(name):
    """Return a model's class names as a tuple of str, in the order of its outputs."""
    return get(name).names()


def _read(path, default):
    return json.loads(path.read_text()) if path.is_file() else default
