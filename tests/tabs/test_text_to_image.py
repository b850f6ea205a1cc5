"""The tab that draws: its endpoint through a real client, and what it refuses."""

import numpy as np
import pytest
from gradio_client.exceptions import AppError
from PIL import Image

MODEL = "stable_diffusion_picture_book"
SENT = {
    "prompt": "a dog in a meadow",
    "negative_prompt": "",
    "model": MODEL,
    "steps": 8,
    "guidance_scale": 4.0,
    "batch_size": 1,
    "seed": 7,
}

EDITED = {
    "prompt": SENT["prompt"],
    "edited_prompt": "a cat in a meadow",
    "negative_prompt": "",
    "model": MODEL,
    "steps": 8,
    "guidance_scale": 4.0,
    "seed": 7,
    "keep": 0.3,
}


def pixels(gallery):
    """The gallery's pictures as (count, height, width, 3) int."""
    opened = [Image.open(each["image"]).convert("RGB") for each in gallery]
    return np.stack([np.asarray(each, int) for each in opened])


def draw(client, **changes):
    return pixels(client.predict(**{**SENT, **changes}, api_name="/text_to_image")[0])


def test_the_same_request_gives_the_same_picture(client):
    first, again = draw(client), draw(client)
    assert first.shape == (1, 256, 256, 3)
    np.testing.assert_array_equal(first, again)


def test_a_batch_begins_with_the_picture_drawn_alone(client):
    alone, among = draw(client), draw(client, batch_size=3)
    assert among.shape[0] == 3
    assert np.abs(alone[0] - among[0]).max() <= 8
    assert np.abs(among[1] - among[0]).mean() > 1


def test_previews_come_while_it_draws(client):
    job = client.submit(**{**SENT, "steps": 20}, api_name="/text_to_image")
    job.result(timeout=120)
    seen = [pixels(output[0]) for output in job.outputs()]
    assert len(seen) >= 5
    assert np.abs(seen[0] - seen[-1]).mean() > np.abs(seen[-2] - seen[-1]).mean()


def test_another_prompt_gives_another_picture(client):
    meadow, sea = (draw(client, prompt=f"a dog {at}") for at in ("in a meadow", "at sea"))
    assert (meadow != sea).mean() > 0.2


def test_words_that_it_does_not_know_are_told(client):
    outputs = client.predict(**{**SENT, "prompt": "a zeppelin"}, api_name="/text_to_image")
    assert "zeppelin" in outputs[1]


def test_text_to_image_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/text_to_image"]
    assert [each["parameter_name"] for each in api["parameters"]] == list(SENT)


def test_words_are_changed_and_the_picture_kept(client):
    sent = {**EDITED, "keep": 0.5}
    first, changed = pixels(client.predict(**sent, api_name="/edit")[0])
    np.testing.assert_array_equal(first, draw(client)[0])
    afresh = draw(client, prompt=EDITED["edited_prompt"])[0]
    assert np.abs(changed - first).mean() < np.abs(afresh - first).mean()
    assert np.abs(changed - first).mean() > 1


def test_an_edit_says_what_is_in_each_picture_and_how_to_repeat_it(client):
    sent = {**EDITED, "edited_prompt": "a zeppelin", "negative_prompt": "snow"}
    gallery, told, receipt, code = client.predict(**sent, api_name="/edit")
    assert [each["caption"] for each in gallery] == ["a dog in a meadow", "a zeppelin"]
    assert "does not know zeppelin" in told and "seed 7" in receipt
    repeated = {}
    exec(code, repeated)
    np.testing.assert_array_equal(repeated["images"], pixels(gallery))


def test_edit_has_the_documented_parameters(client):
    api = client.view_api(return_format="dict")["named_endpoints"]["/edit"]
    assert [each["parameter_name"] for each in api["parameters"]] == list(EDITED)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"prompt": ""}, "empty", id="empty prompt"),
        pytest.param({"edited_prompt": " "}, "changed prompt is empty", id="no words"),
        pytest.param({"edited_prompt": "dog " * 2500}, "Shorten", id="10,000 characters"),
        pytest.param({"model": "dall-e"}, "dall-e", id="unknown model"),
        pytest.param({"keep": 2}, "Kept when words change goes from 0 to 1", id="more than all"),
    ],
)
def test_bad_input_to_an_edit_is_explained(client, change, message):
    with pytest.raises((AppError, ValueError), match=message):
        client.predict(**{**EDITED, **change}, api_name="/edit")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"prompt": ""}, "empty", id="empty prompt"),
        pytest.param({"prompt": "dog " * 2500}, "Shorten", id="10,000 characters"),
        pytest.param({"model": "dall-e"}, "dall-e", id="unknown model"),
        pytest.param({"steps": 0}, "Steps goes from 1", id="no steps"),
        pytest.param(
            {"guidance_scale": 99}, "Guidance goes from 1 to 12", id="guidance out of range"
        ),
        pytest.param({"batch_size": 9}, "Pictures goes from 1 to 4", id="too many pictures"),
        pytest.param({"seed": -1}, "Seed goes from 0", id="negative seed"),
    ],
)
def test_bad_input_is_explained(client, change, message):
    with pytest.raises((AppError, ValueError), match=message):
        client.predict(**{**SENT, **change}, api_name="/text_to_image")


def test_a_meadow_is_greener_than_the_sea(client):
    meadow, sea = (
        draw(client, prompt=f"a dog {at}", steps=16, batch_size=4).mean((0, 1, 2))
        for at in ("in a meadow", "at sea")
    )
    assert meadow[1] - meadow[2] > sea[1] - sea[2] + 20
