"""Every 2-D augmentation layer of keras-cv 0.9 as a row of data: what it does and what it takes.

Knows no Keras and no page. Ranges are for images with values from 0 to 255; the defaults are
keras-cv's own where it has one, else what its guides use.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    """One argument of a layer.

    A `span` is a (low, high) pair to draw from; `single` says how keras-cv reads one number x in
    its place: "zero" as (0, x), "both" as (-x, x), None not at all. A `size` is one number for
    both sides or (height, width). `layer` and `layers` hold steps of a chain themselves.
    """

    name: str
    kind: str  # number, whole, span, whole_span, size, choice, flag, layer or layers
    default: object
    help: str
    low: float = 0
    high: float = 1
    step: float = 0.01
    single: str | None = None
    choices: tuple[str, ...] = ()
    argument: str = ""  # keras-cv's name for it, where that is "layer", as the step's own name is


@dataclass(frozen=True)
class Layer:
    """One layer: where it stands in the menu, what it does, what it takes.

    `fixed` are arguments that values from 0 to 255 in RGB settle. A `mixes` layer needs a whole
    batch. A layer `alone` takes the images without their labels, or wants steps before and after
    it, and so cannot stand inside another one; `resizes` changes their size, with the same effect.
    """

    name: str
    group: str
    help: str
    parameters: tuple[Parameter, ...] = ()
    fixed: tuple[tuple[str, object], ...] = ()
    mixes: bool = False
    resizes: bool = False
    alone: bool = False

    @property
    def holds(self):
        """Whether the layer is made of other layers."""
        return any(each.kind in ("layer", "layers") for each in self.parameters)


def _number(name, default, low, high, about, step=0.01):
    return Parameter(name, "number", default, about, low, high, step)


def _whole(name, default, low, high, about, step=1):
    return Parameter(name, "whole", default, about, low, high, step)


def _span(name, default, low, high, about, single=None, step=0.01, kind="span"):
    return Parameter(name, kind, default, about, low, high, step, single)


def _choice(name, about, *choices):
    return Parameter(name, "choice", choices[0], about, choices=choices)


def _flag(name, default, about):
    return Parameter(name, "flag", default, about)


def _side(name, default):
    return _whole(name, default, 32, 512, f"{name.capitalize()} of the result in pixels.", step=8)


_TARGET = Parameter("target_size", "size", (224, 224), "Sides of the result in pixels.", 32, 512, 8)
_RANGE = (("value_range", (0, 255)),)
_RATE = _number("rate", 0.5, 0, 1, "Share of the images that are changed.")
_METHOD = _choice("interpolation", "How pixels between pixels are found.", "bilinear", "nearest")
_METHODS = _choice(
    "interpolation",
    "How pixels between pixels are found.",
    *("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian"),
    "mitchellcubic",
)
_FILL = (
    _choice("fill_mode", "What fills the empty edge.", "reflect", "wrap", "constant", "nearest"),
    _number("fill_value", 0.0, 0, 255, "The grey that fills it where the mode is constant.", 1),
    _METHOD,
)

_SHAPE = (
    Layer(
        "RandomFlip",
        "Shape",
        "Mirrors images at random.",
        (
            _choice(
                *("mode", "Left and right, top and bottom, or both."),
                *("horizontal", "vertical", "horizontal_and_vertical"),
            ),
            _number("rate", 0.5, 0, 1, "Share of the images that are mirrored."),
        ),
    ),
    Layer(
        "RandomRotation",
        "Shape",
        "Turns images by a random angle.",
        (
            _span("factor", (-0.1, 0.1), -1, 1, "Angle in full turns; positive is left.", "both"),
            *_FILL,
        ),
    ),
    Layer(
        "RandomShear",
        "Shape",
        "Slants images sideways or upwards.",
        (
            _span("x_factor", (0, 0.3), 0, 1, "Sideways slant, a share of the width.", "zero"),
            _span("y_factor", (0, 0.3), 0, 1, "Upward slant, a share of the height.", "zero"),
            *_FILL,
        ),
    ),
    Layer(
        "RandomTranslation",
        "Shape",
        "Shifts images up, down and sideways.",
        (
            _span("height_factor", (-0.2, 0.2), -1, 1, "Shift down, share of height.", "both"),
            _span("width_factor", (-0.2, 0.2), -1, 1, "Shift right, share of width.", "both"),
            *_FILL,
        ),
    ),
    Layer(
        "RandomZoom",
        "Shape",
        "Zooms in or out.",
        (
            _span("height_factor", (-0.3, 0.3), -0.9, 1, "Below 0 is in, above is out.", "both"),
            _span("width_factor", None, -0.9, 1, "A zoom of its own for the width.", "both"),
            *_FILL,
        ),
    ),
    Layer(
        "RandomCrop",
        "Shape",
        "Cuts out a window of a fixed size at a random place.",
        (_side("height", 160), _side("width", 160)),
        resizes=True,
    ),
    Layer(
        "RandomCropAndResize",
        "Shape",
        "Cuts out a random part and scales it to a fixed size.",
        (
            _TARGET,
            _span("crop_area_factor", (0.8, 1.0), 0.01, 1, "Share of the area that is kept."),
            _span("aspect_ratio_factor", (0.9, 1.1), 0.1, 4, "Stretch of width over height."),
            _METHOD,
        ),
        resizes=True,
    ),
    Layer(
        "RandomAspectRatio",
        "Shape",
        "Stretches images; a Resizing with a padded edge makes them one size again.",
        (_span("factor", (0.7, 1.4), 0.25, 4, "Stretch of width over height."), _METHOD),
        alone=True,
    ),
    Layer(
        "JitteredResize",
        "Shape",
        "Scales at random, then cuts or pads to a fixed size, as detectors are trained.",
        (
            _TARGET,
            _span("scale_factor", (0.8, 1.25), 0.1, 4, "Scale that is drawn from."),
            _METHODS,
        ),
        resizes=True,
    ),
    Layer(
        "Resizing",
        "Shape",
        "Scales images to a fixed size.",
        (
            _side("height", 224),
            _side("width", 224),
            _METHODS,
            _flag("crop_to_aspect_ratio", True, "Cut what sticks out instead of stretching."),
            _flag("pad_to_aspect_ratio", False, "Pad what is missing instead of stretching."),
        ),
        resizes=True,
        alone=True,
    ),
)

_COLOUR = (
    Layer(
        "RandomBrightness",
        "Colour",
        "Makes images lighter or darker.",
        (_span("factor", (-0.3, 0.3), -1, 1, "-1 is black, 1 is white.", "both"),),
        _RANGE,
    ),
    Layer(
        "RandomContrast",
        "Colour",
        "Raises or lowers the contrast around each channel's mean.",
        (_number("factor", 0.5, 0, 1, "Contrast is drawn from 1 - factor to 1 + factor."),),
        _RANGE,
    ),
    Layer(
        "RandomSaturation",
        "Colour",
        "Makes colours stronger or weaker.",
        (_span("factor", (0.3, 0.7), 0, 1, "0 is grey, 0.5 as it was, 1 full.", "zero"),),
    ),
    Layer(
        "RandomHue",
        "Colour",
        "Turns the colour wheel.",
        (_span("factor", (0, 0.3), 0, 1, "0 leaves it, 1 turns it half round.", "zero"),),
        _RANGE,
    ),
    Layer(
        "RandomColorJitter",
        "Colour",
        "Brightness, contrast, saturation and hue, one after another.",
        (
            _span("brightness_factor", (-0.2, 0.2), -1, 1, "-1 is black, 1 is white.", "both"),
            _number("contrast_factor", 0.3, 0, 1, "Contrast from 1 - factor to 1 + factor."),
            _span("saturation_factor", (0.4, 0.6), 0, 1, "0 is grey, 0.5 as it was.", "zero"),
            _span("hue_factor", (0, 0.1), 0, 1, "0 leaves the hue, 1 turns it half round.", "zero"),
        ),
        _RANGE,
    ),
    Layer(
        "RandomColorDegeneration",
        "Colour",
        "Blends images with their grey version.",
        (_span("factor", (0, 0.8), 0, 1, "0 leaves it, 1 is grey.", "zero"),),
    ),
    Layer(
        "RandomChannelShift",
        "Colour",
        "Adds a different amount to red, green and blue.",
        (_span("factor", (0, 0.4), 0, 1, "How far a channel may move.", "zero"),),
        _RANGE,
    ),
    Layer(
        "ChannelShuffle",
        "Colour",
        "Swaps red, green and blue at random.",
        fixed=(("groups", 3),),
    ),
    Layer(
        "Grayscale",
        "Colour",
        "Takes the colour away.",
        fixed=(("output_channels", 3),),
    ),
    Layer("AutoContrast", "Colour", "Stretches values over the whole range.", fixed=_RANGE),
    Layer(
        "Equalization",
        "Colour",
        "Evens out the histogram of each channel.",
        (_whole("bins", 256, 2, 256, "Steps of the histogram."),),
        _RANGE,
    ),
    Layer(
        "Posterization",
        "Colour",
        "Keeps only the first bits of each channel.",
        (_whole("bits", 3, 1, 8, "Bits that are kept."),),
        _RANGE,
    ),
    Layer(
        "Solarization",
        "Colour",
        "Turns bright values into their negative.",
        (
            _span("addition_factor", (0, 0), 0, 255, "Added to each value first.", "zero", 1),
            _span("threshold_factor", (128, 200), 0, 255, "Only above it.", "zero", 1),
        ),
        _RANGE,
    ),
    Layer(
        "Rescaling",
        "Colour",
        "Multiplies every value and adds an offset; shown as if the result were 0 to 255.",
        (
            _number("scale", 0.5, 0, 4, "Factor for every value."),
            _number("offset", 64.0, -255, 255, "Added afterwards.", 1),
        ),
    ),
)

_TEXTURE = (
    Layer(
        "RandomGaussianBlur",
        "Texture",
        "Blurs images by a random amount.",
        (
            _whole("kernel_size", 9, 3, 31, "Side of the blur's window in pixels.", 2),
            _span("factor", (0.5, 3.0), 0, 10, "Width of the blur in pixels.", "zero", 0.1),
        ),
    ),
    Layer(
        "RandomSharpness",
        "Texture",
        "Blends images with a softened copy.",
        (_span("factor", (0, 1.0), 0, 1, "0 leaves it, 1 is softest.", "zero"),),
        _RANGE,
    ),
    Layer(
        "RandomJpegQuality",
        "Texture",
        "Leaves the marks of JPEG compression; it wants values from 0 to 1, so two Rescaling "
        "layers stand around it.",
        (_span("factor", (5, 40), 1, 100, "JPEG quality.", step=1, kind="whole_span"),),
        alone=True,
    ),
    Layer(
        "RandomCutout",
        "Texture",
        "Covers a rectangle at a random place.",
        (
            _span("height_factor", (0, 0.4), 0, 1, "Its height, a share of the image.", "zero"),
            _span("width_factor", (0, 0.4), 0, 1, "Its width, a share of the image.", "zero"),
            _choice("fill_mode", "One grey, or noise.", "constant", "gaussian_noise"),
            _number("fill_value", 0.0, 0, 255, "The grey where the mode is constant.", 1),
        ),
    ),
    Layer(
        "GridMask",
        "Texture",
        "Covers a turned grid of squares.",
        (
            _span("ratio_factor", (0, 0.5), 0, 1, "Squares over spacing.", "zero"),
            _number("rotation_factor", 0.15, 0, 1, "How far the grid turns, in full turns."),
            _whole("fill_value", 0, 0, 255, "The grey of the squares."),
        ),
    ),
)

_MIX = (
    Layer(
        "CutMix",
        "Mix pictures",
        "Pastes a rectangle of another picture; labels mix by area.",
        (_number("alpha", 1.0, 0.05, 5, "Small: mostly one picture. Large: halves.", 0.05),),
        mixes=True,
    ),
    Layer(
        "MixUp",
        "Mix pictures",
        "Blends two pictures; labels mix with the same weights.",
        (_number("alpha", 0.2, 0.05, 5, "Small: mostly one picture. Large: halves.", 0.05),),
        mixes=True,
    ),
    Layer(
        "FourierMix",
        "Mix pictures",
        "Joins two pictures along a cloudy edge drawn in Fourier space (FMix).",
        (
            _number("alpha", 0.5, 0.05, 5, "Small: mostly one picture. Large: halves.", 0.05),
            _number("decay_power", 3.0, 1, 6, "Higher makes smoother clouds.", 0.1),
        ),
        mixes=True,
    ),
    Layer(
        "Mosaic",
        "Mix pictures",
        "Lays four pictures around a random point; labels mix by area.",
        (_span("offset", (0.25, 0.75), 0, 1, "Where the point may lie.", "zero"),),
        mixes=True,
    ),
)

_POLICY = (
    Layer(
        "RandAugment",
        "Policy",
        "A few operations per image, drawn from ten.",
        (
            _whole("augmentations_per_image", 3, 1, 8, "Operations per image."),
            _number("magnitude", 0.5, 0, 1, "Mean strength of an operation."),
            _number("magnitude_stddev", 0.15, 0, 1, "How much the strength varies."),
            _number("rate", 0.91, 0, 1, "Chance of each operation."),
            _flag("geometric", True, "Shift and shear too."),
        ),
        _RANGE,
    ),
    Layer(
        "AugMix",
        "Policy",
        "Mixes an image with several distorted copies of itself.",
        (
            _span("severity", (0.01, 0.3), 0.01, 1, "Strength of the distortions.", "zero"),
            _whole("num_chains", 3, 1, 6, "Distorted copies."),
            _span("chain_depth", (1, 3), 1, 6, "Per copy.", step=1, kind="whole_span"),
            _number("alpha", 1.0, 0.05, 5, "Small: one copy rules. Large: all alike.", 0.05),
        ),
        _RANGE,
    ),
    Layer(
        "RandomChoice",
        "Policy",
        "One of several layers, drawn for each image or for the whole batch.",
        (
            Parameter("layers", "layers", ("CutMix", "MixUp"), "What it chooses from."),
            _flag("batchwise", True, "One draw per batch; layers that mix pictures need it."),
        ),
    ),
    Layer(
        "RandomApply",
        "Policy",
        "One layer, on some of the images.",
        (
            Parameter("applies", "layer", "Grayscale", "What it applies.", argument="layer"),
            _RATE,
            _flag("batchwise", False, "One draw per batch; layers that mix pictures need it."),
        ),
    ),
    Layer(
        "RandomAugmentationPipeline",
        "Policy",
        "Several draws per image from layers of your own, as RandAugment does.",
        (
            Parameter("layers", "layers", ("RandomFlip", "RandomHue", "GridMask"), "Its pool."),
            _whole("augmentations_per_image", 2, 1, 8, "Draws per image."),
            _number("rate", 1.0, 0, 1, "Chance of each draw."),
        ),
    ),
    Layer(
        "RepeatedAugmentation",
        "Policy",
        "Each image once through every layer, in one larger batch.",
        (
            Parameter("augmenters", "layers", ("RandAugment", "RandomFlip"), "The layers."),
            _flag("shuffle", True, "Put the larger batch in random order."),
        ),
    ),
)

LAYERS = {layer.name: layer for layer in _SHAPE + _COLOUR + _TEXTURE + _MIX + _POLICY}
GROUPS = tuple(dict.fromkeys(layer.group for layer in LAYERS.values()))
