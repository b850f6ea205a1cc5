"""What all recipes have in common: the whole path in small, a further round, floors, records."""

import importlib
import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from models import catalog
from training import picture_book, recipe
from training.text_to_image import drawing_score

FLOORS = {  # that the committed weights reach, as recorded
    "efficientnetv2_caltech101": 0.5,
    "resnet_cifar10": 0.94,
    "efficientnetv2_picture_book": 0.97,
    "retinanet_picture_book": 0.93,
    "gru_attention_picture_book": 0.96,
    "stable_diffusion_picture_book": 0.98,
    "bert_tiny_reviews": 0.79,
}


@pytest.mark.slow
@pytest.mark.skipif(not picture_book.FONT.exists(), reason="needs Noto Color Emoji")
@pytest.mark.parametrize("row", catalog.MODELS, ids=lambda row: row.id)
def test_a_recipe_from_end_to_end_and_once_more(row, tmp_path):
    out = tmp_path / "preset"
    args = ["--smoke", "--out", str(out), "--work", str(tmp_path / "work")]
    main = importlib.import_module(f"training.{row.id}").main
    record = main(args)
    assert json.loads((out / "training.json").read_text()) == record
    assert record["value"] >= 0 and record["training"]["rounds"] == 1
    assert record["value"] <= 1 or row.capability in ("text_generation", "text_to_image")
    names = json.loads((out / "labels.json").read_text()) if catalog.labels(row.id) else ()
    assert len(names) == len(catalog.labels(row.id))
    if row.id.endswith("picture_book"):
        assert tuple(names) == catalog.labels(row.id)
    assert max(file.stat().st_size for file in out.rglob("*") if file.is_file()) < 10_000_000
    loads_and_answers(row, out)
    again = main([*args, "--further"])["training"]
    assert again["rounds"] == 2 and again["minutes"] >= record["training"]["minutes"]
    assert again["parameters"] == record["training"]["parameters"]


def loads_and_answers(row, folder):
    """The preset loads as the app loads it; text models answer text, those that draw draw."""
    module, _, name = row.task.partition(":")
    task = getattr(importlib.import_module(module), name)
    model = task.from_preset(str(folder), dtype="float32")
    if row.capability == "text_generation":
        assert model.generate("A", max_length=8).startswith("A")
    if row.capability == "sentiment":
        assert model.predict(["fine", "dull"], verbose=0).shape == (2, 2)
    if row.capability == "text_to_image":
        artist = drawing_score.loaded(folder, key=None)
        drawn = drawing_score.things(artist, ["dog", "owl"], 5, steps=2)
        assert drawn["owl"].shape == (5, 32, 32, 3), "more than are drawn side by side"
        assert set(drawing_score.reworded(artist, ["dog", "owl", "bus"])) == {"dog", "owl", "bus"}
        images, captions = drawing_score.edited(artist)
        assert len(images) == len(captions) == 2 * len(drawing_score.EDITS)
        assert {"a", "an"} <= set(artist.model.tokenizer.vocabulary)


@pytest.mark.parametrize("name", FLOORS)
def test_a_bundled_model_reaches_its_floor(name):
    assert catalog.get(name).record["value"] >= FLOORS[name]


@pytest.fixture
def preset(tmp_path):
    """Folder of a preset's record, and the arguments of a first round there."""
    args = recipe.arguments("training.some", ["--out", str(tmp_path), "--work", str(tmp_path)])
    recipe.trained(args, keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), 90, steps=4)
    recipe.report(args, "accuracy", 0.5, "two photos", top5=0.9)
    return tmp_path


def test_a_new_measurement_replaces_the_old_one_and_keeps_the_training(preset):
    argv = ["--out", str(preset), "--work", str(preset), "--measure"]
    args = recipe.arguments("training.some", argv)
    record = recipe.report(args, "accuracy", 0.25, "four photos")
    assert record == json.loads((preset / "training.json").read_text())
    assert record["value"] == 0.25 and "top5" not in record
    assert record["training"]["parameters"] == 8 and record["training"]["steps"] == 4
    by_keras = recipe.arguments("training.some", [*argv, "--by-keras"])
    assert recipe.key(by_keras) is None and recipe.key(args)
    both = recipe.report(by_keras, "accuracy", 0.24, "four photos")
    assert both == {**record, "by_keras": 0.24}


def test_a_further_round_draws_anew_and_adds_its_minutes(preset, monkeypatch):
    monkeypatch.setattr(recipe, "machine", lambda: "another machine")
    argv = ["--out", str(preset), "--work", str(preset), "--further", "--seed", "5"]
    args = recipe.arguments("training.some", argv)
    assert (args.seed, args.drawn) == (5, 6), "what is held out stays held out"
    assert args.work == preset / "round 2" and args.work.is_dir()
    recipe.trained(args, keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), 60)
    training = json.loads((preset / "training.json").read_text())["training"]
    assert training["minutes"] == 2.5 and training["rounds"] == 2
    assert training["machine"].endswith("; another machine")


def test_a_further_round_begins_with_the_weights_that_are_there():
    def network():
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])

    there, model = network(), network()
    task = SimpleNamespace(from_preset=lambda folder, dtype: there)
    before = model.get_weights()
    recipe.goes_on(model, SimpleNamespace(further=False, out="x"), task)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    recipe.goes_on(model, SimpleNamespace(further=True, out="x"), task)
    np.testing.assert_array_equal(model.get_weights()[0], there.get_weights()[0])


@pytest.mark.parametrize("option", ["--measure", "--further"])
def test_what_needs_a_preset_says_that_there_is_none(option, tmp_path, capsys):
    with pytest.raises(SystemExit):
        recipe.arguments("training.some", [option, "--out", str(tmp_path / "none")])
    assert "holds no trained preset" in capsys.readouterr().err
