"""The tab that captions: its endpoint through a real client, and what it refuses."""

from pathlib import Path

import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image, ImageOps

from models import catalog, vocabulary

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
MODEL = catalog.of("captioning")[0].id


@pytest.fixture
def space(tmp_path):
    """A picture that is none of the examples: one of them, mirrored and framed."""
    path = tmp_path / "mirrored.png"
    picture = ImageOps.mirror(Image.open(EXAMPLES / "space.jpg"))
    ImageOps.expand(picture, 20, "darkblue").save(path)
    return path


def test_caption_gives_a_list_of_captions(client, space):
    texts, *_ = client.predict(handle_file(space), MODEL, 5, 0, api_name="/caption")
    assert isinstance(texts, list) and len(set(texts)) == len(texts) == 5
    said = set(vocabulary.tokens(" ".join(texts)))
    assert said & {"rocket", "monkey", "star"}


def test_the_same_seed_says_the_same(client, space):
    first, again, other = (
        client.predict(handle_file(space), MODEL, 3, seed, api_name="/caption")[0]
        for seed in (1, 1, 2)
    )
    assert first == again != other


@pytest.mark.parametrize(("method", "count"), [("greedy", 1), ("beam", 4)])
def test_other_methods_answer(client, space, method, count):
    texts, *_ = client.predict(handle_file(space), MODEL, 4, 0, method, api_name="/caption")
    assert len(texts) == count and all(texts)


def test_caption_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/caption"]
    names = [parameter["parameter_name"] for parameter in api["parameters"]]
    assert names[:4] == ["image", "model", "count", "seed"]
    assert all(parameter["parameter_has_default"] for parameter in api["parameters"][4:])


@pytest.mark.parametrize(
    ("image", "options", "said"),
    [
        pytest.param(None, {}, "no image", id="no image"),
        pytest.param("text", {}, "not an image", id="a text file"),
        pytest.param("picture", {"count": 99}, "goes from 1 to 10", id="too many captions"),
        pytest.param("picture", {"method": "loud"}, "loud", id="unknown method"),
        pytest.param("picture", {"seed": -3}, "Seed goes from 0", id="negative seed"),
    ],
)
def test_bad_input_is_explained(client, picture, tmp_path, image, options, said):
    path = picture() if image == "picture" else None
    if image == "text":
        path = tmp_path / "notes.png"
        path.write_text("not a picture")
    given = {"image": handle_file(path) if path else None, "model": MODEL, "count": 3, "seed": 0}
    with pytest.raises(AppError, match=said):
        client.predict(**{**given, **options}, api_name="/caption")


@pytest.mark.parametrize("size", [(1, 1), (400, 20)])
def test_odd_pictures_are_captioned_all_the_same(client, picture, size):
    path = picture(size=size)
    texts, *_ = client.predict(handle_file(path), MODEL, 2, 0, api_name="/caption")
    assert texts and all(texts)
