"""The recipe of `gru_attention_picture_book`: its targets, batches and scenes."""

import numpy as np
import pytest

from models import vocabulary
from training import picture_book

fonted = pytest.mark.skipif(
    not picture_book.FONT.exists(),
    reason="needs the Debian package fonts-noto-color-emoji, which draws the picture-book world",
)
WORDS = vocabulary.build(picture_book.CLASSES)


@pytest.fixture(scope="module")
def recipe():
    from training import gru_attention_picture_book

    return gru_attention_picture_book


def test_cells_say_what_is_seen_in_them(recipe):
    """A dog over the left half of the square and, in front of it, a cat at its bottom left."""
    half, side = recipe.SIZE / 2, recipe.SIZE
    boxes = np.array([[[0, 0, half, side], [0, half, half, side], [0, 0, 0, 0]]])
    labels = np.array([[picture_book.CLASSES.index("dog"), picture_book.CLASSES.index("cat"), -1]])
    cells = recipe.cell_words(boxes, labels, 4, WORDS).reshape(4, 4)
    assert [[WORDS[at] for at in row] for row in cells] == [
        ["dog", "dog", "", ""],
        ["dog", "dog", "", ""],
        ["cat", "cat", "", ""],
        ["cat", "cat", "", ""],
    ]


def test_a_thing_is_shared_out_over_the_cells_around_its_middle(recipe):
    """One in the middle of a cell of four a side, one between four cells, one at the edge."""
    cell = recipe.SIZE / 4
    middles = np.array([[1.5, 2.5], [3, 3], [0, 0.5]]) * cell
    boxes = np.concatenate([middles - 8, middles + 8], axis=1)[None]
    shares = recipe.cell_shares(boxes, np.array([[4, 4, 0]]), 4).reshape(4, 4)
    assert shares.sum() == pytest.approx(3)
    assert shares[2, 1] == 1 and shares[0, 0] == 1
    assert (shares[2:, 2:] == 0.25).all()


def test_what_is_no_thing_has_no_share(recipe):
    assert not recipe.cell_shares(np.zeros((1, 2, 4)), np.array([[-1, -1]]), 4).any()


def test_cells_know_how_many_of_their_kind_there_are(recipe):
    """Two dogs, of which one is seen, and a cat; elsewhere nothing."""
    dog, cat = (picture_book.CLASSES.index(name) for name in ("dog", "cat"))
    cells = np.array([[WORDS.index("dog"), 0, WORDS.index("cat"), 0]])
    counts = recipe.cell_counts(cells, np.array([[dog, cat, dog, -1]]), WORDS)
    assert counts.tolist() == [[2, 0, 1, 0]]


def test_counts_are_wrong_only_where_a_thing_is_seen(recipe):
    """Off by 2 and by 1/2 on two cells: (1.5 + 0.125) / 2."""
    loss = recipe.counts_loss(np.array([[9.0, 1.0, 2.5]]), np.array([[0, 3, 2]]))
    assert float(loss) == pytest.approx((1.5 + 0.125) / 2)


def test_a_batch_repeats_by_number_and_is_no_longer_than_it_has_to_be(recipe):
    captions = [["dog cat"] * recipe.CAPTIONS] * 5
    ids = recipe.sentence_ids(captions, WORDS)
    seen, cells = np.arange(5), np.arange(5)
    first, again = (recipe.batch(3, 4, 0, seen, ids, [cells]) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert first[1].shape == (4, recipe.SIDE_BY_SIDE, 1 + recipe.PACE)
    assert vocabulary.sentence(WORDS, first[1][0, 0]) == "dog cat"


def test_every_other_picture_is_mirrored_with_what_is_told_of_it(recipe):
    words = vocabulary.build(["a dog left of a cat", "right"])
    captions = [["a dog left of a cat"] * recipe.CAPTIONS] * 3
    drawn = {
        "seen": np.tile(np.array([[10, 20], [30, 40]], np.uint8)[None, :, :, None], (3, 1, 1, 3)),
        "ids": recipe.sentence_ids(captions, words),
        "maps": [np.array([[1, 0, 2, 0]] * 3)],
    }
    pictures, told, cells = recipe.half_mirrored(0, 0, words, count=4, **drawn)
    assert vocabulary.sentence(words, told[0, 1]) == "a dog right of a cat"
    assert vocabulary.sentence(words, told[1, 1]) == "a dog left of a cat"
    assert (pictures[0, :, :, 0] == [[20, 10], [40, 30]]).all() and (cells[0] == [0, 1, 0, 2]).all()
    assert (pictures[1, :, :, 0] == [[10, 20], [30, 40]]).all() and (cells[1] == [1, 0, 2, 0]).all()
    assert (drawn["seen"][0, 0, 0] == 10).all(), "what is drawn from stays as it is"


@fonted
def test_scenes_are_letterboxed_with_their_boxes(recipe, tmp_path):
    drawn = recipe.scenes(10, 5, tmp_path)
    assert drawn["images"].shape == (10, recipe.SIZE, recipe.SIZE, 3)
    assert (drawn["images"][7, : recipe.SIZE // 8] == 114).all(), "a wide scene has a bar on top"
    there = drawn["labels"][7] >= 0
    tops, bottoms = drawn["boxes"][7][there][:, 1], drawn["boxes"][7][there][:, 3]
    assert (tops >= recipe.SIZE / 8).all() and (bottoms <= recipe.SIZE * 7 / 8).all()
