"""Decoding of good, odd and bad image files."""

import numpy as np
import pytest
from PIL import Image

from models import images
from models.checks import BadInput


def _save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


@pytest.fixture
def red(tmp_path):
    """A red picture 40 wide and 20 high, as a function of file name, mode and save options."""
    array = np.zeros((20, 40, 3), np.uint8)
    array[..., 0] = 200
    return lambda name, mode=None, **options: _save(tmp_path / name, array, mode, **options)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("rgb.png", None), ("rgba.png", "RGBA"), ("palette.png", "P"), ("cmyk.jpg", "CMYK")],
)
def test_modes_come_out_as_upright_rgb(red, name, mode):
    array = images.read(red(name, mode))
    assert array.shape == (20, 40, 3) and array.dtype == np.uint8
    assert np.abs(array[10, 20].astype(int) - [200, 0, 0]).max() < 16


def test_exif_rotation_is_applied(red, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by 90 degrees
    assert images.read(red("turned.jpg", exif=exif)).shape == (40, 20, 3)


def test_sixteen_bit_grey_is_scaled_not_clipped(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((8, 8), 32768, np.uint16)).save(path)
    assert abs(int(images.read(path)[0, 0, 0]) - 127) <= 1


def test_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert images.read(tmp_path / "moving.gif")[0, 0].tolist() == [255, 0, 0]


def test_one_pixel_is_an_image(tmp_path):
    assert images.read(_save(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8))).shape == (
        1,
        1,
        3,
    )


def test_transparency_lands_on_white(tmp_path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert images.read(tmp_path / "clear.png").min() == 255


def _text_called_png(folder):
    (folder / "text.png").write_text("this is not a picture")
    return folder / "text.png"


def _empty(folder):
    (folder / "empty.png").write_bytes(b"")
    return folder / "empty.png"


def _truncated(folder):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    whole = _save(folder / "whole.jpg", noise).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    return folder / "cut.jpg"


def _bomb(folder):
    Image.new("1", (13000, 13000)).save(folder / "bomb.png")
    return folder / "bomb.png"


def _line(folder):
    return _save(folder / "line.png", np.zeros((1, 10000, 3), np.uint8))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda folder: None, "no image yet"),
        (lambda folder: folder / "gone.png", "is gone"),
        (_text_called_png, "not an image"),
        (_empty, "not an image"),
        (_truncated, "broken or was cut off"),
        (_bomb, "at most 40 million"),
        (_line, "too narrow"),
        (lambda folder: np.zeros((4, 4), np.float32), "height, width, 3"),
        (lambda folder: 7, "type int"),
    ],
    ids=["none", "gone", "text", "empty", "truncated", "bomb", "line", "array", "number"],
)
def test_bad_images_say_what_to_do(tmp_path, make, says):
    with pytest.raises(BadInput, match=says):
        images.read(make(tmp_path))


def test_letterbox_and_back_gives_the_same_box():
    picture = np.zeros((50, 100, 3), np.uint8)
    square, frame = images.letterbox(picture, 200)
    assert square.shape == (200, 200, 3)
    inside = np.array([[20.0, 70.0, 180.0, 130.0]])
    np.testing.assert_allclose(frame.to_source(inside), [[10, 10, 90, 40]])
    outside = frame.to_source([[-50, -50, 500, 500]])
    np.testing.assert_allclose(outside, [[0, 0, 100, 50]])
