"""The models on Keras' PyTorch backend, where PyTorch is installed: the same answers.

Bundled ones, and for each capability published ones of their real class, narrowed.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile

import pytest

from models import (
    captioning,
    catalog,
    classification,
    detection,
    fine_tuning,
    hub,
    images,
    loader,
    new_word,
    runtime,
    sentiment,
    text_generation,
    text_to_image,
)
from models.rows import BUNDLED

EXAMPLES = BUNDLED.parent / "examples"
PICTURE = str(EXAMPLES / "city.jpg")
PUBLISHED = (
    "efficientnet_b0_ra_imagenet",
    "efficientnetv2_b0_imagenet_classifier",
    "retinanet_resnet50_fpn_v2_coco",
    "dfine_nano_coco",
    "bert_tiny_en_uncased_sst2",
    "gpt2_base_en",
    "gemma3_instruct_270m",
    "blip2_opt_2.7b",
)
needs_torch = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs PyTorch")


def answers():
    """What bundled models of all kinds say, in JSON types."""
    import keras

    *_, token = text_generation.generate("Once upon a time, a fox", None, 12, "greedy")
    *_, drawn = text_to_image.edit("a fox", "an owl", steps=2, seed=1, keep=0.5)
    pets = {pet: [f"{EXAMPLES}/{pet}-{place}.jpg" for place in (1, 2)] for pet in ("cat", "dog")}
    tuned = fine_tuning.fit(pets)
    with tempfile.TemporaryDirectory() as folder:
        fine_tuning.save(tuned, f"{folder}/pets.keras")
        kept = keras.saving.load_model(f"{folder}/pets.keras")
        *_, lesson = new_word.learn("minka", pets["cat"] * 2, f"{folder}/minka.npz", steps=2)
        *_, word = new_word.draw(lesson.taught, "a minka", steps=2, seed=1)
    found = detection.detect(PICTURE).filter(confidence=0.5, iou=0.5)
    return {
        "classification": classification.classify(PICTURE).predictions[0].label,
        "detection": sorted(found.labels),
        "taught": [round(loss, 2) for loss in tuned.held_out_loss],
        "kept": [round(float(share), 1) for share in kept.predict(images.read(PICTURE)[None])[0]],
        "lesson": [round(lesson.loss, 2), round(float(word.images.mean()))],
        "sentiment": round(sentiment.score("A joy to watch.").positive, 2),
        "text": token.text,
        "captions": list(captioning.caption(PICTURE, method="greedy").texts),
        "drawings": [round(float(level), -1) for level in drawn.images.mean(axis=(1, 2)).ravel()],
    }


def published_answers():
    """What narrowed published models say, a dict of ids to JSON types."""
    return {name: PUBLISHED_ANSWERS[catalog.get(name).capability](name) for name in PUBLISHED}


def _classified(name):
    found = classification.classify(PICTURE, name, 3).predictions
    return [round(each.probability, 3) for each in found]


def _detected(name):
    found = detection.detect(PICTURE, name)
    return [round(float(found.scores[0]), 2), len(found.scores) > 0]


PUBLISHED_ANSWERS = {
    "classification": _classified,
    "detection": _detected,
    "sentiment": lambda name: round(sentiment.score("a good film", name).positive, 2),
    "text_generation": lambda name: _written(name),
    "captioning": lambda name: len(captioning.caption(PICTURE, name, method="greedy").texts),
}


def _written(name):
    *_, token = text_generation.generate("the red fox", name, 8, "greedy")
    return token.text


def elsewhere(function, **environment):
    """What a function of this module gives in a process of its own."""
    code = (
        "import json; from tests.models import test_backends as t; "
        f"print(json.dumps(t.{function}()))"
    )
    paths = [*environment.pop("PATHS", []), os.getcwd()]
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@needs_torch
def test_pytorch_gives_the_same_answers():
    assert elsewhere("answers", KERAS_BACKEND="torch") == answers()


@pytest.mark.slow
@needs_torch
def test_pytorch_gives_published_models_the_same_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(loader, "use", loader.Shelf(10**9).use)
    runtime.start()
    from tests import published_presets

    for name in PUBLISHED:
        (folder,) = set(published_presets.save(catalog.get(name), tmp_path).values())
        place = hub.cache() / folder.name
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
        (place / hub.MANIFEST).write_text("{}")
    expected = published_answers()
    assert elsewhere("published_answers", KERAS_BACKEND="torch") == expected


def lent():
    """What was lent a GPU by the module `spaces`, whose place is taken, and when it was asked."""
    import spaces

    sentiment.score("A joy to watch.")
    list(text_generation.generate("A fox", None, 2))
    return {"used": spaces.used, "before": spaces.before}


SPACES = """
import functools, inspect, sys
used, before = [], not {"torch", "tensorflow", "keras"} & set(sys.modules)

def GPU(function):
    if inspect.isgeneratorfunction(function):
        @functools.wraps(function)
        def lent(*given):
            used.append(function.__qualname__)
            yield from function(*given)
    else:
        @functools.wraps(function)
        def lent(*given):
            used.append(function.__qualname__)
            return function(*given)
    return lent
"""


def test_zerogpu_lends_its_gpu_to_what_runs_a_model(tmp_path):
    (tmp_path / "spaces.py").write_text(SPACES)
    told = elsewhere("lent", PATHS=[str(tmp_path)])
    assert told == {"used": ["_scored", "_stream"], "before": True}
