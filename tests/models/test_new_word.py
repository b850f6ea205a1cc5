"""A new word: learned from a few pictures, kept in a file, drawn where the prompt says it."""

from pathlib import Path

import numpy as np
import pytest

from models import classification, new_word, text_to_image
from models.checks import BadInput
from models.rows import BUNDLED

PICTURES = [BUNDLED.parent / "examples" / f"cat-{place}.jpg" for place in range(1, 6)]
GREY = np.full((20, 30, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def lessons(tmp_path_factory):
    """All Lessons of a short course."""
    path = tmp_path_factory.mktemp("word") / "minka.npz"
    return list(new_word.learn("Minka", PICTURES, path, steps=42))


@pytest.mark.slow
def test_a_lesson_goes_on_to_its_end(lessons):
    assert [lesson.index for lesson in lessons] == [5, 10, 15, 20, 25, 30, 35, 40, 42]
    assert lessons[-1].loss < lessons[0].loss
    assert all(lesson.taught is None for lesson in lessons[:-1])
    taught = lessons[-1].taught
    assert taught.word == "minka" and Path(taught.path).stat().st_size < 30e6
    assert not new_word._lessons, "nothing of it is held any longer"


@pytest.mark.slow
def test_what_was_taught_is_drawn_and_nothing_else_changes(lessons):
    asked = {"prompt": "a minka", "steps": 12, "batch_size": 4, "seed": 5}
    *_, before = text_to_image.generate(**asked)
    *steps, step = new_word.draw(lessons[-1].taught, **asked)
    *_, again = new_word.draw(lessons[-1].taught, **asked)
    *_, after = text_to_image.generate(**asked)
    assert len(steps) == 11 and steps[0].previews is not None
    assert (step.images == again.images).all() and (before.images == after.images).all()
    cats = [sum(map(is_cat, each.images)) for each in (before, step)]
    assert cats[0] <= 1 and cats[1] >= 3, cats
    assert (step.run.engine, step.run.seed) == ("TensorFlow", 5)


def is_cat(image):
    found = classification.classify(image, "efficientnetv2_picture_book", top_k=1)
    return found.predictions[0].label == "cat"


@pytest.mark.slow
def test_a_lesson_that_nobody_watches_ends(tmp_path):
    lesson = new_word.learn("minka", PICTURES, tmp_path / "minka.npz", steps=400)
    next(lesson)
    assert new_word._lessons
    lesson.close()
    assert not new_word._lessons and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({"word": ""}, "word is empty", id="no word"),
        pytest.param({"word": "my robot"}, "One word", id="two words"),
        pytest.param({"word": "!?"}, "One word", id="no letters"),
        pytest.param({"word": "r" * 21}, "at most 20", id="long word"),
        pytest.param({"pictures": None}, "0 came", id="nothing"),
        pytest.param({"pictures": [GREY] * 2}, "but 2 came", id="too few"),
        pytest.param({"pictures": [GREY] * 11}, "but 11 came", id="too many"),
        pytest.param({"pictures": [GREY, GREY, "gone.png"]}, "Picture 3: .*gone", id="no file"),
        pytest.param({"path": "word.h5"}, r"ends in \.npz", id="another file"),
        pytest.param({"model": "resnet_cifar10"}, "resnet_cifar10", id="a classifier"),
        pytest.param({"model": "stable_diffusion_1.4"}, "too large to be taught", id="published"),
        pytest.param({"steps": 0}, "number of steps", id="no steps"),
        pytest.param({"seed": -1}, "seed", id="seed"),
    ],
)
def test_what_cannot_be_taught_is_explained_at_once(given, message):
    usual = {"word": "robot", "pictures": [GREY] * 3, "path": "word.npz"}
    with pytest.raises(BadInput, match=message):
        new_word.learn(**(usual | given))


@pytest.mark.slow
def test_nothing_is_drawn_that_is_not_kept(lessons, tmp_path):
    import dataclasses

    gone = dataclasses.replace(lessons[-1].taught, path=str(tmp_path / "gone.npz"))
    for taught in (None, gone):
        with pytest.raises(BadInput, match="Teach it again"):
            new_word.draw(taught, "a minka")
    with pytest.raises(BadInput, match="steps"):
        new_word.draw(lessons[-1].taught, "a minka", steps=0)


@pytest.mark.slow
def test_a_file_that_another_lesson_wrote_is_read_again(lessons, tmp_path):
    import dataclasses

    file = tmp_path / "word.npz"
    taught = dataclasses.replace(lessons[-1].taught, path=str(file))
    drawn = []
    for share in (1, 0):  # what was learned, and nothing at all
        with np.load(lessons[-1].taught.path) as kept:
            np.savez(file, *[share * kept[name] for name in kept.files])
        *_, step = new_word.draw(taught, "a minka", steps=1, seed=0)
        drawn.append(step.images)
    assert (drawn[0] != drawn[1]).any()


@pytest.mark.slow
def test_only_a_prompt_with_the_word_means_it(lessons):
    taught = lessons[-1].taught
    assert new_word.means(taught, "A MINKA, at night") and new_word.means(taught, "minka", None)
    assert not new_word.means(taught, "minkas") and not new_word.means(None, "a minka")
    assert not new_word.means(taught, "a minka", "stable_diffusion_1.4")
    assert not new_word.means(taught, None)
