"""The sheet of taught words, in a lesson of two steps."""

import pytest
from PIL import Image

from training import picture_book, taught_words


@pytest.mark.slow
def test_a_sheet_shows_what_was_given_and_what_is_drawn(tmp_path, monkeypatch, capsys):
    if not picture_book.FONT.exists():
        pytest.skip("needs Debian's fonts-noto-color-emoji")
    monkeypatch.setattr(taught_words, "THINGS", {"robot": "1F916"})
    monkeypatch.setattr(taught_words, "PLACES", ("", " at night"))
    taught_words.main(["--out", str(tmp_path / "taught.jpg"), "--steps", "2"])
    assert Image.open(tmp_path / "taught.jpg").width == 8 + 3 * 168
    assert "robot: taught in" in capsys.readouterr().out
