"""Trains `retinanet_picture_book`: RetinaNet over a small ResNet, 68 drawn things with their boxes.

Knows nothing of the page. Run it with `python -m training.retinanet_picture_book`; the emoji font
is needed.

The network is keras-hub's RetinaNet (Lin et al. 2017, "Focal Loss for Dense Object Detection"):
a feature pyramid, two heads, focal loss and smooth L1. What differs from the paper, and why:
- one anchor a place, given to objects by their statistics (detection_targets.py): a ninth of the
  outputs, and small things are not left without an anchor;
- no level of stride 8: it would take half of the time, and 1 in 80 things has no anchor without it;
- group normalisation in the heads, which have to learn from nothing in a few thousand steps;
- the encoder first learns to tell the things apart on close-ups of 64 px, each of which costs a
  tenth of a whole scene.
"""

import dataclasses
import functools

import keras
import keras_hub
import numpy as np
from keras import ops
from PIL import Image, ImageDraw

from models import detection, runtime
from models.results import suppressed
from training import picture_book, recipe, sheets
from training.detection.fitting import Scenes, Stage, minimise, scene_loss, viewed
from training.detection.metrics import mistakes, summary

SIZE = 192  # pixels of the square that the detector sees
CLOSE = 64  # pixels of the close-ups that the encoder learns on first
LEVELS = (4, 5)  # of the pyramid: strides of 16 and 32 pixels
ANCHOR = 3.0  # strides, the side of an anchor: 48 and 96 pixels
WIDTHS = (64, 128, 256, 256)  # filters of the encoder's four stacks
PRIOR = 0.01  # what an anchor believes of each class before it has learnt (Lin et al., 3.3)
DEGRADED = 0.25  # of the scenes are blurred, noisy or recoloured
MISTAKES = 12  # shown in the model card


@dataclasses.dataclass(frozen=True)
class Plan:
    """How much of everything."""

    scenes: int
    held_out: int
    close_ups: Stage
    views: Stage


FULL = Plan(10_000, 1_000, Stage(1_000, 96, 2e-3, 3.5), Stage(4_000, 16, 1e-3, 25))
SMOKE = Plan(8, 4, Stage(2, 4, 2e-3, 5), Stage(2, 2, 1e-3, 5))


def detector(dtype="float32"):
    """Build the untrained detector with its preprocessor, for squares of SIZE pixels."""
    encoder = keras_hub.models.ResNetBackbone(
        input_conv_filters=[32],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=list(WIDTHS),
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="basic_block_vd",
        dtype=dtype,
    )
    backbone = keras_hub.models.RetinaNetBackbone(
        encoder, *LEVELS, use_p5=False, image_shape=(SIZE, SIZE, 3), dtype=dtype
    )
    anchors = keras_hub.layers.AnchorGenerator(
        "xyxy", *LEVELS, num_scales=1, aspect_ratios=[1.0], anchor_size=ANCHOR
    )
    converter = keras_hub.layers.RetinaNetImageConverter(
        image_size=(SIZE, SIZE), scale=1 / 127.5, offset=-1.0
    )
    model = keras_hub.models.RetinaNetObjectDetector(
        backbone,
        num_classes=len(picture_book.CLASSES),
        bounding_box_format="xyxy",
        anchor_generator=anchors,
        pre_logits_num_conv_layers=1,
        use_prediction_head_norm=True,
        preprocessor=keras_hub.models.RetinaNetObjectDetectorPreprocessor(converter),
        dtype=dtype,
    )
    start_heads(model)
    return model


def start_heads(model):
    """Start the last layers as Lin et al. have it in section 4.1: near zero, every class rare.

    keras-hub 0.32 gives the prior to the bias of the boxes instead of that of the classes.
    """
    rare = -np.log((1 - PRIOR) / PRIOR)
    for head, start in ((model.classification_head, rare), (model.box_head, 0.0)):
        kernel, bias = head.prediction_layer.weights
        kernel.assign(keras.random.normal(kernel.shape, stddev=0.01))
        bias.assign(np.full(bias.shape, start, "float32"))


def reader(model):
    """Let the detector's encoder name the one thing in a close-up, from each level it gives.

    Returns:
        A model: (batch, CLOSE, CLOSE, 3) to a list of logits (batch, classes), one a level.
    """
    levels = model.backbone.image_encoder.pyramid_outputs
    pool, name = keras.layers.GlobalAveragePooling2D, keras.layers.Dense
    named = [
        name(model.num_classes, dtype="float32")(pool(dtype="float32")(levels[f"P{level}"]))
        for level in range(LEVELS[0], LEVELS[1] + 1)
    ]
    return keras.Model(model.backbone.image_encoder.inputs, named)


def close_loss(model, images, windows, classes):
    """Cross-entropy of a `reader` on close-ups, summed over its levels."""
    levels = model(viewed(images, windows, CLOSE), training=True)
    entropy = ops.sparse_categorical_crossentropy
    return sum(ops.mean(entropy(classes, each, True)) for each in levels)


def train(plan, scenes, args):
    """Train on scenes: the encoder on close-ups first, unless this is a further round.

    Returns:
        (the detector in float32, [steps of each stage], seconds spent).
    """
    model = detector(recipe.precision())
    recipe.goes_on(model, args, keras_hub.models.ObjectDetector)
    data = Scenes(scenes, model.anchor_generator, args.drawn)
    stages = [
        (close_loss, reader(model), data.close_ups, plan.close_ups, "close_ups.npz"),
        (scene_loss, model, data.views, plan.views, "views.npz"),
    ]
    spent = [
        minimise(loss, network, functools.partial(make, count=stage.batch), stage, args.work / name)
        for loss, network, make, stage, name in stages[args.further :]
    ]
    exact = detector()
    exact.set_weights(model.get_weights())
    steps, seconds = zip(*spent, strict=True)
    return exact, list(steps), sum(seconds)


def seen(model, scenes, key=None):
    """What a detector finds in scenes: a list of (boxes, scores, classes).

    `key` is as `recipe.key` gives it.
    """
    find, found = runtime.compile(detection.candidates, model, key), []
    for at in range(0, len(scenes["images"]), 20):
        for image in zip(*find(scenes["images"][at : at + 20].astype("float32")), strict=True):
            image = detection.likeliest(*image)
            kept = suppressed(*image, iou=0.5)
            found.append(tuple(part[kept] for part in image))
    return found


def there(scenes):
    """What is in scenes: a list of (boxes, classes)."""
    return [
        (boxes[labels >= 0], labels[labels >= 0])
        for boxes, labels in zip(scenes["boxes"], scenes["labels"], strict=True)
    ]


def show_mistakes(images, wrong, path):
    """Write a sheet of the MISTAKES surest wrong frames, one a scene.

    Args:
        images: (n, height, width, 3) uint8. wrong: as `metrics.mistakes` gives them.
        path: Path of the .jpg file, which is taken away where there is none to show.
    """
    path.unlink(missing_ok=True)
    first = {}
    for each in wrong:
        first.setdefault(each[1], each)
    framed, told = [], []
    for score, image, box, label, nearest in list(first.values())[:MISTAKES]:
        picture = Image.fromarray(images[image])
        ImageDraw.Draw(picture).rectangle([round(edge) for edge in box], outline="red", width=2)
        framed.append(np.asarray(picture))
        thing = "nothing" if nearest is None else picture_book.CLASSES[nearest]
        wrong_in = "framed badly" if nearest == label else f"not {picture_book.CLASSES[label]}"
        told.append(f"{thing},\n{wrong_in} ({score:.0%})")
    if told:
        sheets.sheet(framed, told, path, side=192)


def main(argv=None):
    """Train and save the preset, then measure it on held-out scenes; gives the record."""
    args = recipe.arguments(__spec__, argv)
    keras.utils.set_random_seed(args.seed)
    plan = SMOKE if args.smoke else FULL

    def scenes(count, first, degraded=DEGRADED):
        return picture_book.dataset(count, SIZE, first, args.work, captions=0, degraded=degraded)

    if not args.measure:
        drawn = scenes(plan.scenes, args.drawn * plan.scenes)
        model, steps, seconds = train(plan, drawn, args)
        recipe.save(model, args.out, picture_book.CLASSES)
        recipe.trained(args, model, seconds, scenes=plan.scenes, steps=steps)
    saved = keras_hub.models.ObjectDetector.from_preset(str(args.out), dtype="float32")
    key, degraded = recipe.key(args), scenes(plan.held_out // 4, picture_book.HELD_OUT, 1.0)
    held_out = scenes(plan.held_out, picture_book.HELD_OUT)
    found, truths = seen(saved, held_out, key), there(held_out)
    figures = summary(found, truths, saved.num_classes)
    worse = summary(seen(saved, degraded, key), there(degraded), saved.num_classes)
    if not args.by_keras:
        show_mistakes(held_out["images"], mistakes(found, truths), args.out / "failures.jpg")
    return recipe.report(
        args,
        "AP at IoU 0.5",
        figures["ap50"],
        f"{plan.held_out:,} scenes of seeds that training never draws",
        ap_50_to_95=round(figures["ap"], 4),
        ap_50_blurred_noisy_recoloured=round(worse["ap50"], 4),
    )


if __name__ == "__main__":
    print(main())
