"""The published architectures with random weights, which cost the time of trained ones.

Knows no checkpoint. Each row builds a model, what the documentation calls it with, and the function
that the app would compile.
"""

import concurrent.futures
import functools
import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks import generation, machine, peers, timing
from models import converted, runtime

RNG = np.random.default_rng(0)


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    build: Callable  # () -> (model, function(model, *arrays), arrays, predict())
    peer: Callable | None = None  # (*arrays) -> dict of name to function, the same in PyTorch


def _plain(model, *arrays):
    """Call a model that takes one array, or a list of them."""
    return model(arrays[0] if len(arrays) == 1 else list(arrays), training=False)


def _case(model, arrays, function=_plain, given=None):
    given = given if given is not None else (arrays[0] if len(arrays) == 1 else list(arrays))
    return model, function, arrays, lambda: model.predict(given, verbose=0)


def efficientnet_v2():
    """EfficientNetV2-B0 at 224 pixels (Tan and Le 2021)."""
    import keras

    model = keras.applications.EfficientNetV2B0(weights=None)
    return _case(model, [_pixels(224)])


def bert():
    """BERT base on 128 tokens (Devlin et al. 2019)."""
    import keras_hub

    model = keras_hub.models.BertBackbone(30522, 12, 12, 768, 3072)
    ids = RNG.integers(1, 30522, (1, 128)).astype("int32")
    ones = np.ones_like(ids)
    given = {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": ones}

    def pooled(model, ids, segments, mask):
        given = {"token_ids": ids, "segment_ids": segments, "padding_mask": mask}
        return model(given, training=False)["pooled_output"]

    return _case(model, [ids, given["segment_ids"], ones], pooled, given)


def resnet_50():
    """The backbone of ResNet-50 (He et al. 2016), for pictures of any size."""
    import keras_hub

    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 128, 256, 512],
        stackwise_num_blocks=[3, 4, 6, 3],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type="bottleneck_block",
    )


def retinanet():
    """RetinaNet over ResNet-50 at 640 pixels, 91 classes (Lin et al. 2017)."""
    import keras
    import keras_hub

    backbone = keras_hub.models.RetinaNetBackbone(
        resnet_50(), 3, 7, use_p5=False, image_shape=(640, 640, 3)
    )
    anchors = keras_hub.layers.AnchorGenerator("xyxy", 3, 7, 3, [0.5, 1.0, 2.0], 4.0)
    model = keras_hub.models.RetinaNetObjectDetector(
        backbone, 91, "xyxy", anchors, preprocessor=None
    )

    def outputs(model, pixels):
        found = model(pixels, training=False)
        return found["cls_logits"], found["bbox_regression"]

    bare = keras.Model(model.inputs, model.outputs)  # predict without suppressing boxes after it
    pixels = _pixels(640)
    return model, outputs, [pixels], lambda: bare.predict(pixels, verbose=0)


def captioner():
    """InceptionResNetV2 at 299 pixels, the course's encoder (Szegedy et al. 2017)."""
    import keras

    model = keras.applications.InceptionResNetV2(include_top=False, weights=None)
    return _case(model, [_pixels(299)])


def diffusion(side):
    """One step of Stable Diffusion 1.4's U-Net at `side` pixels, with guidance.

    KerasCV's `text_to_image` runs it twice, without and with the prompt; the app once for both.
    """

    def build():
        import keras_cv

        model = keras_cv.models.stable_diffusion.DiffusionModel(
            side, side, 77, download_weights=False
        )
        cells = side // 8
        arrays = [
            RNG.standard_normal((2, cells, cells, 4), np.float32),
            RNG.standard_normal((2, 320), np.float32),
            RNG.standard_normal((2, 77, 768), np.float32),
        ]
        halves = [[each[at : at + 1] for each in arrays] for at in range(2)]
        return model, _plain, arrays, lambda: [model.predict_on_batch(each) for each in halves]

    return build


def _pixels(side):
    return RNG.integers(0, 256, (1, side, side, 3)).astype("float32")


CASES = (
    Case("EfficientNetV2-B0, 224 px", efficientnet_v2),
    Case("BERT base, 128 tokens", bert, peers.bert),
    Case("RetinaNet ResNet-50, 640 px", retinanet),
    Case("InceptionResNetV2 encoder, 299 px", captioner),
    Case("Stable Diffusion 1.4 step, 256 px", diffusion(256), peers.diffusion),
    Case("Stable Diffusion 1.4 step, 512 px", diffusion(512), peers.diffusion),
)


def lines():
    """The lines of all cases; each runs in a process of its own, which gives its memory back."""
    apart = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, apart, max_tasks_per_child=1) as pool:
        found = list(pool.map(measure_at, range(len(CASES))))
        return [*found, pool.submit(generation.line).result()]


def measure_at(place):
    """`measure` of the case at a place in CASES, since functions made on the spot cannot travel."""
    return measure(CASES[place])


def measure(case):
    """Time a case: Keras' predict, a graph, OpenVINO and PyTorch in each precision, in turns.

    Returns:
        dict as of `timing.line`, with `apart`: how far OpenVINO's outputs are from TensorFlow's,
        and what `machine.demands` says of the network.
    """
    model, function, arrays, predict = case.build()
    graph = runtime.compile(function, model)
    graph(*arrays)
    tried = converted.trial(graph.graph, arrays, converted.precisions())
    calls = {"Keras": predict, "TensorFlow": tried.plain}
    for precision, program in tried.programs.items():
        calls[f"OpenVINO {precision}"] = functools.partial(program, *arrays)
    if case.peer and peers.installed():
        calls |= case.peer(*arrays)
    demands = machine.demands(tried.networks["float32"])
    return timing.line(case.name, calls, apart=tried.apart, **demands)
