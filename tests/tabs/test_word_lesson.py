"""The part that teaches a word: what it says on the way, and the code that repeats it."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest

from tabs import text_to_image, word_lesson

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"


def lesson(index, seconds, taught=None):
    run = SimpleNamespace(seconds=seconds, model="stable_diffusion_picture_book")
    return SimpleNamespace(index=index, total=100, loss=0.25, taught=taught, run=run)


def test_the_time_left_counts_steps_alone():
    first = lesson(5, 30.0)
    assert word_lesson._progress(first, first) == "Step 5 of 100, loss 0.25."
    assert "about 45.0 s left" in word_lesson._progress(lesson(10, 32.5), first)


def test_what_was_taught_is_said():
    taught = SimpleNamespace(word="robot")
    told = word_lesson._progress(lesson(100, 64.0, taught), lesson(5, 30.0))
    assert told == "Taught in 1 min 4 s: write “robot” in what you would like to see."


@pytest.mark.parametrize(
    ("word", "count", "message"),
    [("robot", 0, "no pictures yet"), ("robot", 2, "but 2 came"), ("", 3, "word is empty")],
)
def test_what_is_missing_is_said(word, count, message, monkeypatch, tmp_path):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    gallery = [(str(EXAMPLES / f"robot-{place}.jpg"), None) for place in range(1, count + 1)]
    with pytest.raises(gr.Error, match=message):
        list(word_lesson._teach(word, gallery, None, 20))
    assert not list(tmp_path.iterdir()), "a folder for a lesson that was refused"


@pytest.mark.slow
def test_the_code_repeats_lesson_and_drawing(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    paths = [str(EXAMPLES / f"robot-{place}.jpg") for place in (1, 2, 3)]
    *_, (taught, _) = word_lesson._teach("robot", [(path, None) for path in paths], None, 2)
    assert text_to_image._words_for(taught) == "a robot in the snow"
    *_, (drawn, _, line, code) = text_to_image._draw("a robot", "", None, 2, 3, 1, 7, taught)
    assert "taught “robot”" in line
    monkeypatch.chdir(tmp_path)
    space = {"pictures": paths}
    exec(code, space)
    assert (space["images"] == drawn).all()
    *_, (_, _, line, code) = text_to_image._draw("a dog", "", None, 2, 3, 1, 7, taught)
    assert "taught" not in line and "new_word" not in code
