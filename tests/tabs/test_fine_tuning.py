"""The tab that fine-tunes: its endpoint through a real client, what it tells, what it refuses."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError

from models import loader
from tabs import fine_tuning

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
CLASSES = ["cat"] * 3 + ["dog"] * 3
FILES = [handle_file(EXAMPLES / f"{name}-{1 + at % 3}.jpg") for at, name in enumerate(CLASSES)]
GIVEN = {"pictures": FILES, "classes": CLASSES, "image": handle_file(EXAMPLES / "dog-8.jpg")}
EMPTY = [None] * 3


def test_fine_tune_names_a_new_picture(client):
    label, check = client.predict(**GIVEN, api_name="/fine_tune")
    assert label["label"] == "dog" and len(label["confidences"]) == 2
    assert check["of"] == 6 and check["right"] >= 4
    assert len(check["held_out_loss"]) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"classes": CLASSES[1:]}, "5 classes came for 6", id="one too few"),
        pytest.param({"classes": "cat"}, "list of names", id="no list"),
        pytest.param({"classes": ["cat"] * 6}, "2 to 5 classes", id="one class"),
        pytest.param({"pictures": [], "classes": []}, "2 to 5 classes", id="nothing"),
        pytest.param({"image": None}, "no image", id="no new picture"),
        pytest.param({"model": "alexnet"}, "alexnet", id="unknown model"),
    ],
)
def test_fine_tune_explains_what_is_wrong(client, arguments, message):
    with pytest.raises((AppError, ValueError), match=message):
        client.predict(**{**GIVEN, **arguments}, api_name="/fine_tune")


def test_a_missing_picture_is_told_before_the_lesson(monkeypatch):
    monkeypatch.setattr(fine_tuning.fine_tuning, "fit", None)
    with pytest.raises(gr.Error, match="no image"):
        fine_tuning._fine_tune(["a"] * 4, ["cat"] * 2 + ["dog"] * 2, None, None)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param(["cat", "", *EMPTY], "Class 2 has pictures, but no name", id="no name"),
        pytest.param(["cat", "cat ", *EMPTY], "Two classes are called 'cat'", id="twice"),
        pytest.param(["cat", "dog", "owl", None, ""], "0 came of 'owl'", id="no pictures"),
        pytest.param([*EMPTY, None, None], "has pictures, but no name", id="no names at all"),
    ],
)
def test_the_page_explains_what_is_missing(names, message):
    pictures = [
        [(str(EXAMPLES / f"{name}-{at}.jpg"), None) for at in (1, 2)] for name in ("cat", "dog")
    ]
    with pytest.raises(gr.Error, match=message):
        fine_tuning._teach(None, 20, *names, *pictures, *EMPTY)


def test_mistakes_are_named_and_markup_is_text():
    tuned = SimpleNamespace(right=3, guessed=("<b>", "dog", "dog", "dog"))
    told = fine_tuning._told(tuned, {"<b>": ["1", "2"], "dog": ["3", "4"]})
    assert "&lt;b&gt; 2 was taken for dog." in told and "<b>" not in told
    assert "3 of 4" in told


def test_the_interval_is_wilsons():
    """Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I."""
    assert fine_tuning._interval(81, 263) == pytest.approx((25.53, 36.62), abs=0.01)
    assert fine_tuning._interval(0, 20) == pytest.approx((0, 16.11), abs=0.01)
    assert fine_tuning._interval(29, 29) == pytest.approx((88.30, 100), abs=0.01)


def test_the_code_repeats_the_lesson(tmp_path, monkeypatch):
    paths = {name: [str(EXAMPLES / f"{name}-{at}.jpg") for at in (1, 2)] for name in ("cat", "dog")}
    tuned = fine_tuning.fine_tuning.fit(paths, epochs=2)
    monkeypatch.chdir(EXAMPLES)
    (tmp_path / "picture.png").write_bytes((EXAMPLES / "cat-7.jpg").read_bytes())
    code = fine_tuning._code(tuned, paths, 2).replace("picture.png", str(tmp_path / "picture.png"))
    space = {}
    exec(code, space)
    assert (space["tuned"].kernel == tuned.kernel).all()


def test_the_code_beside_the_file_runs_it(tmp_path, monkeypatch):
    """A name that no file may have is none of its file's."""
    names = ("a/b", "..", "c" * 40)
    paths = {name: [str(EXAMPLES / f"cat-{at}.jpg") for at in (1, 2)] for name in names}
    tuned = fine_tuning.fine_tuning.fit(paths, epochs=1)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    file, code = fine_tuning._keep(tuned)
    path = Path(file["value"])
    assert path.name == f"classifier-a-b-{'c' * 25}.keras" and path.parents[1] == tmp_path
    monkeypatch.chdir(path.parent)
    (path.parent / "picture.png").write_bytes((EXAMPLES / "cat-7.jpg").read_bytes())
    space = {}
    exec(code, space)
    assert len(space["shares"]) == 3 and repr(names) in code


def test_nothing_is_kept_before_a_lesson():
    with pytest.raises(gr.Error, match="press Teach"):
        fine_tuning._keep(None)


def test_a_network_of_our_own_needs_its_module():
    tuned = SimpleNamespace(classes=("a",), run=SimpleNamespace(model="resnet_cifar10"))
    assert "import models.architectures.whitened_resnet" in fine_tuning._loading(tuned, "a.keras")


def test_a_fifth_class_is_the_last():
    shown, more, *groups = fine_tuning._one_more(4)
    assert shown == 5 and not more["visible"] and all(each["visible"] for each in groups)
    shown, more, *groups = fine_tuning._one_more(2)
    assert (
        shown == 3
        and more["visible"]
        and [each["visible"] for each in groups] == [True, False, False]
    )


def test_the_default_model_is_warm():
    loader.evict_idle()
    fine_tuning.warm_up()
    assert "efficientnetv2_caltech101" in {loaded.row.id for loaded in loader.models()}
