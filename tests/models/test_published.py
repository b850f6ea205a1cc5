"""Every published row: in the library's registry, downloaded from a hub, loaded, and answering.

The presets are of the real classes, narrowed; the hub is a server that speaks its protocol.
"""

import functools
import re
import tempfile
from pathlib import Path

import keras
import keras_cv
import keras_hub
import numpy as np
import pytest
from kagglesdk import kaggle_env
from PIL import Image

from models import (
    captioning,
    catalog,
    classification,
    converted,
    detection,
    fine_tuning,
    hub,
    images,
    loader,
    results,
    runtime,
    sentiment,
    text_generation,
    text_to_image,
    vision_language,
)
from models.checks import BadInput
from models.rows import BUNDLED
from models.sources import Kaggle
from tests import hub_server, narrow_diffusion

ROWS = catalog.PUBLISHED
EXAMPLES = BUNDLED.parent / "examples"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A hub with a narrowed preset of every row."""
    runtime.start()
    from tests import published_presets

    folder, repos = tmp_path_factory.mktemp("hub"), {}
    for row in {row.name: row for row in ROWS}.values():
        repos |= published_presets.save(row, folder)
    with hub_server.running(repos) as running:
        yield running


@pytest.fixture
def machine(served, tmp_path, monkeypatch):
    """A machine with nothing downloaded, that reaches the hub."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "kaggle"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, served.url)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", served.url)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        served.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    narrow_diffusion.narrow(monkeypatch)
    monkeypatch.setattr(vision_language, "SIDE", 64)
    monkeypatch.setattr(vision_language, "WORDS", 12)
    shelf = loader.Shelf(10**9)
    monkeypatch.setattr(loader, "use", shelf.use)
    monkeypatch.setattr(loader, "load", shelf.load)
    return shelf


PRESETS = [row for row in ROWS if not row.lies_in]
ON_KAGGLE = [row for row in ROWS if row.lies_in and isinstance(row.lies_in[0], Kaggle)]
IN_PIECES = [row for row in ROWS if len(row.lies_in) > 1]


@pytest.mark.parametrize("row", PRESETS, ids=lambda row: row.id)
def test_a_row_is_in_the_librarys_registry(row):
    import importlib

    module, _, name = row.task.partition(":")
    task = getattr(importlib.import_module(module), name)
    about = getattr(task, "presets", keras_hub.models.TextToImage.presets)[row.name]
    assert row.parameters == about["metadata"]["params"]
    assert about["kaggle_handle"] == f"kaggle://{row.kaggle}"


@pytest.mark.parametrize("row", ON_KAGGLE, ids=lambda row: row.id)
def test_a_row_is_in_keras_cvs_registry(row):
    task = getattr(keras_cv.models, row.task.partition(":")[2])
    about = task.presets[row.id]
    assert row.parameters == about["metadata"]["params"]
    assert about["kaggle_handle"] == f"kaggle://{row.lies_in[0].name}"


def test_the_names_that_ship_are_those_of_keras_hub():
    def told(find, ids):
        return tuple(find(at).replace("_", " ") for at in ids)

    coco = told(keras_hub.utils.coco_id_to_name, range(91))
    boxless = (0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83)  # ids of COCO that no box has
    boxed = tuple(name for at, name in enumerate(coco) if at not in boxless)
    assert catalog.labels("retinanet_resnet50_fpn_v2_coco") == coco
    assert catalog.labels("dfine_nano_coco") == boxed
    imagenet = told(keras_hub.utils.imagenet_id_to_name, range(1000))
    assert catalog.labels("resnet_50_imagenet") == imagenet


def test_the_names_of_voc_are_those_of_keras_cv():
    from keras_cv.src.datasets.pascal_voc import segmentation

    names = catalog.labels("yolo_v8_m_pascalvoc")
    assert [name.replace(" ", "") for name in names] == segmentation.CLASSES


@pytest.mark.parametrize("row", IN_PIECES, ids=lambda row: row.id)
def test_a_rows_files_are_those_that_the_library_fetches(row):
    import inspect

    from keras_cv.src.models.stable_diffusion import decoder, diffusion_model, text_encoder

    fetched = "".join(map(inspect.getsource, (decoder, diffusion_model, text_encoder)))
    *weights, words = row.lies_in
    for source in weights:
        for name in source.files:
            assert f"https://huggingface.co/{source.name}/resolve/main/{name}" in fetched
    assert words.name.removeprefix("keras/") in keras_hub.models.CLIPBackbone.presets


@pytest.mark.parametrize(
    ("name", "count", "some"),
    [
        ("resnet_50_imagenet", 1000, {0: "tench", 207: "golden retriever", 999: "toilet tissue"}),
        ("retinanet_resnet50_fpn_v2_coco", 91, {1: "person", 18: "dog", 90: "toothbrush"}),
        ("dfine_nano_coco", 80, {0: "person", 16: "dog", 79: "toothbrush"}),
        ("bert_tiny_en_uncased_sst2", 2, {0: "negative", 1: "positive"}),
    ],
)
def test_class_names_stand_at_their_outputs(name, count, some):
    names = catalog.labels(name)
    assert len(names) == count
    assert {at: names[at] for at in some} == some


def test_what_is_not_here_says_how_to_get_it(machine):
    with pytest.raises(loader.LoadError, match="Press Download"):
        text_generation_of("gpt2_base_en")


def test_what_is_offered_follows_the_mode(machine, monkeypatch):
    monkeypatch.setattr(catalog, "_offered", "bundled")
    assert catalog.offered() == catalog.MODELS
    catalog.offer("here")
    assert catalog.offered() == catalog.MODELS
    row = catalog.get("bert_tiny_en_uncased_sst2")
    list(hub.fetch(row.name, *row.ways))
    assert catalog.offered("sentiment")[-1] is row
    assert catalog.default("sentiment") is row, "what is on this machine comes first"
    catalog.offer("all")
    assert set(ROWS) < set(catalog.offered())
    catalog.offer("bundled")
    assert catalog.default("sentiment").id == "bert_tiny_reviews"


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_comes_from_the_hub_loads_and_answers(row, machine, served, monkeypatch):
    list(hub.fetch(row.name, *row.ways))
    monkeypatch.setattr(served, "status", 500)  # loading asks nothing of the hub
    asked = len(served.asked)
    ANSWERS[row.capability](row, machine.load(row.id).model)
    assert len(served.asked) == asked


def classifies(row, model):
    picture = images.read(EXAMPLES / "castle.jpg")
    found = classification.classify(picture, row.id, 1000)
    assert sum(each.probability for each in found.predictions) == pytest.approx(1, abs=1e-2)
    fitted = classification.fit(picture, classification.expects(model))
    task = getattr(model, "network", model)  # KerasCV's in its wrapping
    given = np.asarray(task.predict(fitted[None], verbose=0)[0])
    assert found.predictions[0].label in np.array(catalog.labels(row.id))[given.argsort()[-3:]]
    pets = {name: [EXAMPLES / f"{name}-{place}.jpg" for place in (1, 2)] for name in ("cat", "dog")}
    tuned = fine_tuning.fit(pets, row.id, epochs=1)
    assert tuned.kernel.shape == (task.layers[-1].kernel.shape[0], 2)
    found = fine_tuning.classify(picture, tuned).predictions
    assert sum(each.probability for each in found) == pytest.approx(1, abs=1e-5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pets.keras")
        fine_tuning.save(tuned, path)
        kept = keras.saving.load_model(path).predict(picture[None], verbose=0)[0]
    shares = {each.label: each.probability for each in found}
    assert kept == pytest.approx([shares[name] for name in pets], abs=0.02)


def detects(row, model):
    kinds = {"corners": _detects_cells, "anchor_generator": _detects_anchors}
    told = [check for name, check in kinds.items() if hasattr(model, name)]
    (*told, _detects_queries)[0](row, model)


def _detects_cells(row, model):
    """A dog is in every cell, its box at known distances from the cell's middle."""
    tall = np.zeros((400, 200, 3), np.uint8)
    found = detection.detect(tall, row.id).filter(confidence=0.5, iou=1.0)
    assert set(found.labels) == {"dog"} and len(found.boxes) > 100
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.01)
    places = np.stack(np.meshgrid(range(80), range(80), indexing="ij")[::-1], -1).reshape(-1, 2)
    middles = np.tile(8 * (places + 0.5), 2)  # of the finest grid, in the square of 640
    expected = (middles + 8 * np.array([-2, -3, 4, 1])) * 400 / 640 - [100, 0, 100, 0]
    expected = np.clip(expected, 0, [200, 400, 200, 400])
    for box in found.boxes:
        assert np.abs(expected - box).max(axis=1).min() < 0.5


def _detects_queries(row, model):
    """The likeliest candidate is that of Keras, its box in the pixels of the picture sent."""
    picture = images.read(EXAMPLES / "city.jpg")
    height, width = picture.shape[:2]
    square, _ = images.letterbox(picture, 128)
    outputs = model(model.preprocessor(square[None].astype("float32")), training=False)
    logits, boxes = (np.asarray(outputs[key][0]) for key in ("logits", "pred_boxes"))
    query, kind = np.unravel_index(logits.argmax(), logits.shape)
    x, y, w, h = boxes[query] * max(height, width)
    margin = (width - height) / 2
    expected = np.array([x - w / 2, y - h / 2 - margin, x + w / 2, y + h / 2 - margin])
    found = detection.detect(picture, row.id)
    assert found.scores[0] == pytest.approx(1 / (1 + np.exp(-logits.max())), abs=0.02)
    same = [label == catalog.labels(row.id)[kind] for label in found.labels]
    shown = np.clip(expected, 0, [width, height, width, height])
    assert np.abs(found.boxes[same] - shown).max(axis=1).min() < 3


def _detects_anchors(row, model):
    """A dog is at the first anchor of each place; the box of a place is that of its anchor."""
    wide = np.zeros((200, 400, 3), np.uint8)
    found = detection.detect(wide, row.id).filter(confidence=0.5, iou=1.0)
    assert set(found.labels) == {"dog"} and isinstance(found, results.Detections)
    levels = model.anchor_generator(np.zeros((1, 128, 128, 3), "float32"))
    places = 9  # anchors at each place
    anchors = np.concatenate([np.asarray(each)[::places] for each in levels.values()])
    scale = 400 / 128
    expected = anchors * scale - [0, 100, 0, 100]  # the square has margins above and below
    expected = np.clip(expected, 0, [400, 200, 400, 200])
    for box in found.boxes:
        assert np.abs(expected - box).max(axis=1).min() < 1


def scores(row, model):
    found = sentiment.score("a good film", row.id)
    if hasattr(model, "call_with_cache"):
        logits = _answered(model, "a good film")
        assert found.positive == pytest.approx(1 / (1 + np.exp(logits[0] - logits[1])), abs=1e-3)
        return
    logits = model.predict(["a good film"], verbose=0)[0]
    shares = np.exp(logits) / np.exp(logits).sum()
    assert found.positive == pytest.approx(shares[1], abs=1e-3)


def _answered(model, text):
    """Keras' logits of the first pieces of both answers, after Qwen's markup without padding."""
    tokenizer = model.preprocessor.tokenizer
    begin, end = (tokenizer.token_to_id(mark) for mark in ("<|im_start|>", "<|im_end|>"))
    asked = tokenizer(f"user\n{sentiment.QUESTION}\n\n{text}")
    reply = tokenizer("assistant\n<think>\n\n</think>\n\n")
    ids = np.array([[begin, *asked, end, *tokenizer("\n"), begin, *reply]], "int32")
    given = {"token_ids": ids, "padding_mask": np.ones_like(ids)}
    logits = np.asarray(model(given, training=False))[0, -1]
    return [logits[int(tokenizer(word)[0])] for word in ("negative", "positive")]


def draws(row, model):
    """The pictures are those of the library's own loop over the same networks and noise."""
    loop = _keras_cvs(model) if row.lies_in else _keras_hubs(row)
    noise = text_to_image.noise(5, 2, model.latent_shape)
    half = loader._precision(row, runtime.start()) != "float32"
    for steps in (1, 4):
        drawn = loop("the red fox", "a hat", noise, steps, 7.5)
        with pytest.MonkeyPatch.context() as patch:  # what random weights draw, rounding changes
            patch.setattr(converted, "precisions", lambda: ("float32",))
            *_, last = text_to_image.generate(
                "the red fox", "a hat", row.id, steps, 7.5, batch_size=2, seed=5
            )
        apart = np.abs(last.images.astype(int) - drawn)
        assert apart.max() <= 1 or (half and apart.mean() < 8)  # random weights make much of it
    if row.edits:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(converted, "precisions", lambda: ("float32",))
            _edits(row, model)


def _edits(row, model):
    """The second picture is that of its words, or one whose U-Net attends as the first one's."""

    def drawn(verb, *words, **options):
        *_, last = verb(*words, model=row.id, steps=2, seed=5, guidance_scale=7.5, **options)
        return last.images.astype(int)

    first, other = (drawn(text_to_image.generate, f"the {name} fox")[0] for name in ("red", "fo"))
    free, led = (
        drawn(text_to_image.edit, "the red fox", "the fo fox", keep=keep) for keep in (0, 1)
    )
    assert np.abs(free - [first, other]).max() <= 1
    assert np.abs(led[0] - first).max() <= 1 and (led[1] != other).any()
    assert len(model.attends_by) == 2, "the query and the key of its one block"


def _keras_hubs(row):
    """Draws by keras-hub's own functions."""
    side = (narrow_diffusion.SIDE, narrow_diffusion.SIDE, 3)
    task = keras_hub.models.TextToImage.from_preset(
        str(row.folder), dtype=loader._precision(row, runtime.start()), image_shape=side
    )

    def loop(prompt, negative, noise, steps, scale):
        told = [task.preprocessor.generate_preprocess([text] * 2) for text in (prompt, negative)]
        task.backbone.configure_scheduler(steps)
        drawn = np.asarray(task.generate_step(noise, told, steps, scale), "float32")
        return ((np.clip(drawn, -1, 1) + 1) * 127.5).round()

    return loop


@pytest.mark.slow
def test_in_full_precision_pictures_are_keras_hubs_own(machine, monkeypatch):
    row = catalog.get("stable_diffusion_3.5_medium")
    list(hub.fetch(row.name, *row.ways))
    monkeypatch.setattr(loader, "_precision", lambda row, device: "float32")
    draws(row, machine.load(row.id).model)


def _keras_cvs(model):
    """Draws by KerasCV's own loop."""
    keras_cvs = keras_cv.models.StableDiffusion(128, 128, jit_compile=False)
    keras_cvs._text_encoder, keras_cvs._decoder = model.text_encoder, model.decoder
    keras_cvs._diffusion_model = model.unet

    def loop(prompt, negative, noise, steps, scale):
        told = keras.ops.convert_to_tensor(model.tokenizer([prompt, negative]))
        wanted, unwanted = model.context(told)[0]
        keras_cvs._get_unconditional_context = lambda: unwanted[None]
        return keras_cvs.generate_image(
            wanted,
            batch_size=len(noise),
            num_steps=steps,
            unconditional_guidance_scale=scale,
            diffusion_noise=noise,
        )

    return loop


def captions(row, model):
    """The likeliest words are Keras' own; what is drawn differs by seed and repeats."""
    picture = images.read(EXAMPLES / "castle.jpg")
    result = captioning.caption(picture, row.id, method="greedy")
    (said,), run = result.texts, result.run
    assert (run.engine, run.precision) == ("TensorFlow", "bfloat16") and not result.probabilities
    key, prompt = vision_language.ASKED[type(model).__name__]
    side = model.preprocessor.image_converter.image_size or (64, 64)
    square = np.asarray(Image.fromarray(picture).resize(side, Image.Resampling.BICUBIC))
    given = {"images": square.astype("float32"), key: prompt}
    length = vision_language.WORDS + len(model.preprocessor.tokenizer(prompt)) + 1  # its start
    if type(model).__name__ in vision_language.SIZED:
        marks = 5  # tokens whose names are not cut up; one of them stands for 2 x 2 of the image
        words = re.sub(r"<\|\w+\|>", "\0", prompt).split("\0")
        pieces = sum(len(model.preprocessor.tokenizer(each)) for each in words if each)
        length = vision_language.WORDS + pieces + marks + 2 * 2
    expected = model.generate(given, max_length=length, strip_prompt=True)
    assert said == " ".join(expected.split())
    draws = [captioning.caption(picture, row.id, 3, seed).texts for seed in (1, 2, 1)]
    assert draws[0] == draws[2] != draws[1] and len(set(draws[0])) == len(draws[0]) > 1
    (found,) = captioning.caption(picture, row.id, method="beam").texts
    assert found


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["mobilenet_v3_small_100_imagenet", "bert_tiny_en_uncased_sst2", "gpt2_base_en"]
)
def test_a_row_that_would_fill_the_budget_answers_in_half(name, machine, monkeypatch):
    monkeypatch.setattr(loader._shelf, "budget", 0)
    row = catalog.get(name)
    list(hub.fetch(row.name, *row.ways))
    model = machine.load(name).model
    assert {weight.dtype for weight in model.trainable_weights} == {"bfloat16"}
    found = {
        "classification": lambda: classification.classify(np.zeros((9, 9, 3), np.uint8), name),
        "sentiment": lambda: sentiment.score("a good film", name),
        "text_generation": lambda: text_generation_of(name),
    }[row.capability]()
    assert found


@pytest.mark.slow
def test_a_graph_that_sees_before_it_begins_says_what_keras_says(machine, monkeypatch):
    row = catalog.get("qwen3_5_0.8b")
    list(hub.fetch(row.name, *row.ways))
    model = keras_hub.models.CausalLM.from_preset(str(row.folder), dtype="float32")
    picture = images.read(EXAMPLES / "castle.jpg")
    told = vision_language.tell(model, picture, 1, "greedy", 0, 1.0, 1.0)
    eagerly = functools.partial(model.compile, run_eagerly=True)
    monkeypatch.setattr(model, "compile", eagerly)
    monkeypatch.setattr(vision_language, "SIZED", ())
    vision_language._samplers.clear()
    assert told == vision_language.tell(model, picture, 1, "greedy", 0, 1.0, 1.0)


def writes(row, model):
    model.compile(sampler="greedy")
    tokens = len(model.preprocessor.tokenizer("the red fox"))
    starts = model.preprocessor.tokenizer.start_token_id is not None
    length = starts + tokens + 8
    expected = model.generate("the red fox", max_length=length, stop_token_ids=None)
    assert text_generation_of(row.id).rstrip("\ufffd") == expected.rstrip("\ufffd")


def text_generation_of(name):
    *_, token = text_generation.generate("the red fox", name, 8, "greedy")
    return token.text


ANSWERS = {
    "classification": classifies,
    "detection": detects,
    "captioning": captions,
    "sentiment": scores,
    "text_to_image": draws,
    "text_generation": writes,
}


def test_an_unknown_id_lists_what_is_offered():
    with pytest.raises(BadInput, match="efficientnetv2_caltech101"):
        catalog.get("gpt5_huge")


@pytest.mark.fault
def test_a_damaged_checkpoint_names_its_folder(machine):
    row = catalog.get("bert_tiny_en_uncased_sst2")
    list(hub.fetch(row.name, *row.ways))
    weights = row.folder / "model.weights.h5"
    weights.write_bytes(b"x" * weights.stat().st_size)
    with pytest.raises(loader.LoadError, match="download it again") as told:
        machine.load(row.id)
    assert str(row.folder) in str(told.value)
