"""The example pictures: drawn by their recipe, small, and showing what their names promise."""

import pytest
from PIL import Image

from training import examples, picture_book

pytestmark = pytest.mark.skipif(
    not picture_book.FONT.exists(),
    reason="needs the Debian package fonts-noto-color-emoji, which draws the picture-book world",
)


@pytest.mark.parametrize("example", examples.EXAMPLES, ids=lambda example: example.name)
def test_an_example_shows_all_its_things(example):
    scene = examples.draw(example)
    assert sorted(scene.names) == sorted(example.classes)
    shipped = examples.FOLDER / f"{example.name}.jpg"
    assert shipped.stat().st_size < 150_000
    with Image.open(shipped) as picture:
        assert picture.size == example.size


def test_the_command_writes_every_example(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "EXAMPLES", examples.EXAMPLES[15:16])
    files = examples.main(["--out", str(tmp_path)])
    assert [file.name for file in files] == ["turtle.jpg"] and files[0].is_file()
