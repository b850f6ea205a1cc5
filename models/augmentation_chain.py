"""Check a chain of augmentation layers and write it as Keras code.

Knows no page and runs nothing: what it writes is text that anyone can run.
"""

import json
from dataclasses import dataclass

from models import checks
from models.augmentation_layers import LAYERS
from models.checks import BadInput

LENGTH = 12  # layers in a chain, and in one that holds others
_UNSAID = ("fill_mode", "fill_value", "interpolation")  # left out where keras-cv's default does
BATCH = 9  # images drawn together; fixed, so that a variant is the same whatever the count

_HEAD = """\
import numpy as np
import tensorflow as tf
from keras_cv import layers

# Give it `images`, an array (n, height, width, 3) with values from 0 to 255,
# and `labels`, an array (n, classes), one-hot or mixed.
seed, count, batch_size = {seed}, {count}, {batch}

tf.random.set_seed(seed)
tf.random.set_global_generator(tf.random.Generator.from_seed(seed))
# One image after another, so that the seed alone decides:
layers.BaseImageAugmentationLayer.auto_vectorize = False
"""
_ALONE = '''

def on_images(*steps):
    """Apply layers to the images and pass their labels on."""

    def apply(batch):
        images = batch["images"]
        for step in steps:
            images = step(images)
        return {**batch, "images": images}

    return apply

'''
_TAIL = """
augmented, mixed = [], []
for start in range(0, count, batch_size):
    turn = np.arange(start, start + batch_size) % len(images)
    batch = {
        "images": tf.constant(images[turn], "float32"),
        "labels": tf.constant(labels[turn], "float32"),
    }
    for layer in chain:
        batch = layer(batch)
    augmented.append(np.clip(batch["images"][:batch_size], 0, 255).astype("uint8"))
    mixed.append(np.array(batch["labels"][:batch_size]))
augmented = np.concatenate(augmented)[:count]  # (count, height, width, 3)
mixed = np.concatenate(mixed)[:count]  # (count, classes), each row sums to 1
"""

_FLIP = {"layer": "RandomFlip"}
_CROP = {"layer": "RandomCropAndResize"}
_RAND = {
    "layer": "RandAugment",
    "augmentations_per_image": 3,
    "magnitude": 0.3,
    "magnitude_stddev": 0.2,
    "rate": 1.0,
}
_CUTOUT = {"layer": "RandomCutout", "height_factor": 0.4, "width_factor": 0.4}
_MIXED = {"layer": "RandomChoice", "layers": ["CutMix", "MixUp"], "batchwise": True}

CHAINS = {
    "The guide's training pipeline": [_FLIP, _CROP, _RAND, _CUTOUT, _MIXED],
    "RandAugment alone": [_RAND],
    "CutMix or MixUp": [_MIXED],
    "Flip and crop": [_FLIP, _CROP],
    "Turn, shift and zoom": ["RandomRotation", "RandomTranslation", "RandomZoom"],
    "Colour only": ["RandomColorJitter", "RandomColorDegeneration"],
    "Hide and seek": ["RandomCutout", {"layer": "GridMask", "fill_value": 128}],
    "Four in one, as detectors train": ["RandomFlip", "Mosaic"],
    "Inference: resize only": ["Resizing"],
}


@dataclass(frozen=True)
class Step:
    """A layer of a chain with a checked value for each of its parameters."""

    name: str
    values: tuple[tuple[str, object], ...]  # in the order of the layer's parameters

    @property
    def layer(self):
        """The layer's row in the table."""
        return LAYERS[self.name]

    def as_json(self):
        """Return what `chain` reads this step from."""
        return {"layer": self.name} | {name: _as_json(value) for name, value in self.values}


def chain(layers):
    """Check a chain.

    Args:
        layers: list of names and of `{"layer": name, **parameters}`, or the same as JSON text.
            Parameters that are not given keep their defaults.

    Returns:
        Tuple of Step.

    Raises:
        BadInput: an unknown layer or parameter, a value out of range, or a chain that cannot run.
    """
    try:
        if isinstance(layers, str):
            layers = _parsed(layers)
        return _steps(layers, "The chain", at_least=0)
    except RecursionError as error:
        raise BadInput("The layers are nested too deeply; two levels is all that runs.") from error


def code(steps, seed, count, size):
    """Return runnable Keras code that makes `count` variants with `seed` through the chain.

    It reads `images` and `labels`, and leaves `augmented` and `mixed`. `size` is the side in
    pixels that images get back after a layer that leaves each with a size of its own.
    """
    head = _HEAD.format(seed=seed, count=count, batch=BATCH)
    head += _ALONE if any(step.layer.alone for step in steps) else "\n"
    lines = [_indented(_line(step, size) + ",") for step in steps]
    body = "chain = [\n" + "".join(lines) + "]\n" if lines else "chain = []\n"
    return head + body + _TAIL


def _parsed(text):
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadInput(
            "The layers have to be a JSON list of names, or of objects with a name under "
            '"layer" and parameters beside it, such as ["RandomFlip", {"layer": "CutMix"}].'
        ) from error


def _steps(layers, owner, at_least=1):
    if not isinstance(layers, (list, tuple)):
        raise BadInput(f'{owner} has to be a list of layers, such as ["RandomFlip", "CutMix"].')
    if not at_least <= len(layers) <= LENGTH:
        raise BadInput(
            f"{owner} has to have {at_least} to {LENGTH} layers, but {len(layers)} came."
        )
    return tuple(_step(each) for each in layers)


def _step(given):
    if isinstance(given, str):
        given = {"layer": given}
    if not isinstance(given, dict) or "layer" not in given:
        raise BadInput(
            "A layer has to be a name, or an object with its name under "
            '"layer", such as {"layer": "RandomFlip", "rate": 0.5}.'
        )
    name = checks.choice(given["layer"], "The layer", LAYERS)
    values = {key: value for key, value in given.items() if key != "layer"}
    step = Step(name, tuple(_values(LAYERS[name], values)))
    _check(step)
    return step


def _values(layer, given):
    known = [parameter.name for parameter in layer.parameters]
    for name in given:
        if name not in known:
            raise BadInput(
                f"{layer.name} has no parameter {str(name)[:40]!r}. "
                f"It takes: {', '.join(known) or 'none'}."
            )
    for parameter in layer.parameters:
        value = given.get(parameter.name, parameter.default)
        name = f"{parameter.name} of {layer.name}"
        yield parameter.name, _value(parameter, value, name)


def _value(parameter, value, name):
    if value is None and parameter.default is None:
        return None
    return _READERS[parameter.kind](parameter, value, name)


def _number(parameter, value, name):
    return checks.number(value, name, parameter.low, parameter.high)


def _whole(parameter, value, name):
    return checks.number(value, name, parameter.low, parameter.high, integer=True)


def _span(parameter, value, name):
    if parameter.single and isinstance(value, (int, float)):
        value = (0 if parameter.single == "zero" else -value, value)
        value = (max(value[0], parameter.low), value[1])
    low, high = _pair(parameter, value, name)
    if low > high:
        raise BadInput(f"{name} runs from {low:g} to {high:g}. The first has to be the smaller.")
    return low, high


def _size(parameter, value, name):
    if isinstance(value, (int, float)):
        value = (value, value)
    return _pair(parameter, value, name)


def _pair(parameter, value, name):
    integer = parameter.kind != "span"
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise BadInput(f"{name} has to be a pair of numbers, such as {list(parameter.default)}.")
    return tuple(
        checks.number(each, name, parameter.low, parameter.high, integer) for each in value
    )


def _choice(parameter, value, name):
    return checks.choice(value, name, parameter.choices)


def _flag(parameter, value, name):
    if not isinstance(value, bool):
        raise BadInput(f"{name} has to be true or false.")
    return value


def _layer(parameter, value, name):
    return _inner(_step(value), name)


def _layers(parameter, value, name):
    return tuple(_inner(step, name) for step in _steps(value, name))


_READERS = {
    "number": _number,
    "whole": _whole,
    "span": _span,
    "whole_span": _span,
    "size": _size,
    "choice": _choice,
    "flag": _flag,
    "layer": _layer,
    "layers": _layers,
}


def _inner(step, name):
    if step.layer.holds or step.layer.alone or step.layer.resizes:
        raise BadInput(
            f"{name} cannot hold {step.name}, which is made of others or changes the size. "
            "Put it into the chain by itself."
        )
    return step


def _check(step):
    """Refuse what keras-cv would fail on, which no single parameter shows."""
    values = dict(step.values)
    if values.get("crop_to_aspect_ratio") and values.get("pad_to_aspect_ratio"):
        raise BadInput("Resizing can crop or pad, not both. Set one of the two to false.")
    mixers = [inner.name for inner in _held(step) if inner.layer.mixes]
    if mixers and step.name == "RandomAugmentationPipeline":
        raise BadInput(
            f"RandomAugmentationPipeline sees one image at a time, and {mixers[0]} needs several. "
            "Use RandomChoice with batchwise instead."
        )
    if mixers and values.get("batchwise") is False:
        raise BadInput(f"{mixers[0]} needs several images. Set batchwise of {step.name} to true.")


def _held(step):
    values = dict(step.values)
    for parameter in step.layer.parameters:
        if parameter.kind == "layer":
            yield values[parameter.name]
        if parameter.kind == "layers":
            yield from values[parameter.name]


def _as_json(value):
    if isinstance(value, Step):
        return value.as_json()
    if isinstance(value, tuple):
        return [_as_json(each) for each in value]
    return value


def _line(step, size):
    """Write a step as the expression that builds its layer."""
    made = _call(step)
    if step.name == "RandomJpegQuality":
        return _wrapped("on_images", ["layers.Rescaling(1 / 255)", made, "layers.Rescaling(255)"])
    if step.name == "RandomAspectRatio":
        back = f"layers.Resizing({size}, {size}, pad_to_aspect_ratio=True)"
        return _wrapped("on_images", [made, back])
    return _wrapped("on_images", [made]) if step.layer.alone else made


def _call(step):
    parameters = {parameter.name: parameter for parameter in step.layer.parameters}
    arguments = [f"{name}={value!r}" for name, value in step.layer.fixed]
    for name, value in step.values:
        unsaid = name in _UNSAID and value == parameters[name].default
        if value is not None and not unsaid:
            argument = parameters[name].argument or name
            arguments.append(f"{argument}={_written(parameters[name], value)}")
    return _wrapped(f"layers.{step.name}", arguments)


def _written(parameter, value):
    if isinstance(value, str):
        return json.dumps(value)
    if parameter.kind == "layer":
        return _call(value)
    if parameter.kind == "layers":
        return _wrapped("", [_call(each) for each in value], "[]")
    starts = {"zero": 0, "both": -value[1]} if parameter.kind == "span" else {}
    if starts and value[1] and starts.get(parameter.single) == value[0]:
        return repr(value[1])
    return repr(value)


def _wrapped(name, arguments, brackets="()"):
    """Write a call on one line, or one argument per line where that would be long."""
    line = name + brackets[0] + ", ".join(arguments) + brackets[1]
    if len(line) <= 88 and "\n" not in line:
        return line
    inside = "".join(_indented(argument + ",") for argument in arguments)
    return f"{name}{brackets[0]}\n{inside}{brackets[1]}"


def _indented(text):
    return "".join(f"    {line}\n" for line in text.split("\n"))
