"""What a few pictures teach: as many as asked are drawn, and the table says what was measured."""

import numpy as np
import pytest

from training import few_shot, picture_book
from training.classification import photos


def test_photos_of_a_class_are_of_that_class_and_no_two_the_same():
    given = photos.stand_in(("a", "b", "c"), 9, 16, 0)
    groups = few_shot.of_photos(given)(np.random.default_rng(0), 2, 7)
    kinds = []
    for group in groups:
        rows = [np.flatnonzero((given.images == each).all(axis=(1, 2, 3))) for each in group]
        assert len({int(row[0]) for row in rows}) == 7
        (kind,) = {int(given.labels[row[0]]) for row in rows}
        kinds.append(kind)
    assert len(set(kinds)) == 2


@pytest.mark.skipif(not picture_book.FONT.exists(), reason="needs Noto Color Emoji")
def test_two_drawn_things_are_told_apart(monkeypatch):
    monkeypatch.setattr(few_shot, "NEW", 5)
    right, told = few_shot.measured(few_shot.drawn, 2, 5, 1)
    assert right >= 0.8 and told >= 0.7


def test_the_table_gives_shares():
    assert "| drawings | 2 | 5 | 98% | 97% |" in few_shot.table([("drawings", 2, 5, 0.98, 0.97)])
