"""The recipe of `stable_diffusion_picture_book`: its smoke mode, losses, batches, checkpoints."""

import numpy as np
import pytest

from models.prompts import PAD, START, UNKNOWN
from training import stable_diffusion_picture_book as recipe_module
from training.picture_book import CLASSES
from training.text_to_image import flow_matching


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """Folder of a smoke run, with its preset in `out`."""
    folder = tmp_path_factory.mktemp("smoke")
    recipe_module.main(["--smoke", "--out", f"{folder}/out", "--work", f"{folder}/work"])
    return folder


def test_smoke_run_gives_a_preset_that_draws(smoke):
    from training.text_to_image import drawing_score

    artist = drawing_score.loaded(smoke / "out", key=None)
    drawn = drawing_score.things(artist, ["dog", "owl"], 5, steps=2)
    assert drawn["owl"].shape == (5, 32, 32, 3), "more than are drawn side by side"
    assert set(drawing_score.reworded(artist, ["dog", "owl", "bus"])) == {"dog", "owl", "bus"}
    assert {"a", "an"} <= set(artist.model.tokenizer.vocabulary)


def test_of_what_comes_out_badly_there_are_more_scenes(tmp_path):
    plan = recipe_module.SMOKE
    images, captions = recipe_module.scenes(plan, tmp_path, 0)
    more, told = recipe_module.scenes(plan, tmp_path, 0, badly=["owl", "bus"])
    assert len(more) - len(images) == 2 * plan.practice
    added = told[plan.single : plan.single + 2 * plan.practice]
    assert all("an owl" in each for each in added[: plan.practice])
    assert all("a bus" in each for each in added[plan.practice :])
    assert told[plan.single + 2 * plan.practice :] == captions[plan.single :]


def test_two_things_are_told_by_how_they_stand():
    cat, dog = (CLASSES.index(name) for name in ("cat", "dog"))
    boxes = np.array([[10, 40, 50, 90], [60, 30, 110, 95], [0, 0, 0, 0]], np.float32)
    told = recipe_module.standing(np.array([cat, dog, -1]), boxes)
    assert {"a cat left of a dog", "a dog to the right of a cat"} <= set(told)
    assert all("left" in text or "right" in text for text in told)
    assert not recipe_module.standing(np.array([cat, cat, -1]), boxes), "two of a kind"
    assert not recipe_module.standing(np.array([cat, -1, -1]), boxes), "one is left"
    boxes[1] = [15, 45, 60, 99]
    assert not recipe_module.standing(np.array([cat, dog, -1]), boxes), "one upon the other"


def test_batches_lie_on_the_line_from_picture_to_noise():
    latents = np.random.default_rng(0).normal(size=(5, 4, 4, 2)).astype(np.float32)
    captions = [np.array([[START, 5, 6, PAD]])] * 5
    inputs, velocity = flow_matching.batch(latents, captions, np.random.default_rng(1), 64)
    along = inputs["times"][:, None, None, None]
    clean = inputs["latents"] - along * velocity
    distance = np.abs(clean[:, None] - latents[None]).max((2, 3, 4)).min(1)
    assert distance.max() < 1e-5
    assert (inputs["times"] > 0).all() and (inputs["times"] < 1).all()


def test_some_captions_and_some_words_are_hidden():
    captions = [np.array([[START, 5, 6, PAD]])]
    latents = np.zeros((1, 2, 2, 1), np.float32)
    rng = np.random.default_rng(0)
    ids = flow_matching.batch(latents, captions, rng, 4000)[0]["token_ids"]
    assert (ids[:, 0] == START).all() and (ids[:, 3] == PAD).all()
    bare = (ids[:, 1:] == PAD).all(1).mean()
    assert abs(bare - flow_matching.NO_CAPTION) < 0.03
    told = ids[ids[:, 1] != PAD]
    assert abs((told[:, 1:3] == UNKNOWN).mean() - flow_matching.NO_WORD) < 0.015


def test_pyramid_loss_sees_edges():
    """A blurred edge costs more than the same error spread over the picture."""
    from training.text_to_image.autoencoder import pyramid_loss

    edge = np.zeros((1, 16, 16, 3), np.float32)
    edge[:, :, 8:] = 1
    blurred = edge.copy()
    blurred[:, :, 6:10] = np.linspace(0, 1, 4)[None, None, :, None]
    error = np.abs(blurred - edge).mean()
    exact, soft, spread = (
        float(pyramid_loss(255 * edge, 2 * made - 1)) for made in (edge, blurred, edge + error)
    )
    assert exact < 1e-6 and soft > spread


def test_colours_are_linear_in_the_latents():
    from training.stable_diffusion_picture_book import colours

    rng = np.random.default_rng(0)
    latents = rng.normal(size=(40, 4, 4, 2)).astype(np.float32)
    truth = np.array([[0.1, -0.1, 0.0], [0.0, 0.1, 0.05], [0.2, 0.0, -0.2]])
    cells = latents @ truth[:2] + truth[2]
    images = np.repeat(np.repeat((cells + 1) * 127.5, 8, axis=1), 8, axis=2).round().astype("uint8")
    np.testing.assert_allclose(colours(latents, images), truth, atol=0.005)


def test_prompts_of_two_things_can_be_judged():
    from models.results import Detections
    from training.text_to_image import drawing_score

    told = drawing_score.pairs(12)
    assert told == drawing_score.pairs(12) and len({prompt for prompt, *_ in told}) == 12
    boxes = np.array([[0, 0, 10, 10], [50, 2, 60, 12]], np.float32)
    found = Detections(boxes, np.array([0.9, 0.8]), ("dog", "owl"), None)
    assert drawing_score._stand(found, "dog", "to the left of", "owl")
    assert drawing_score._stand(found, "owl", "to the right of", "dog")
    assert not drawing_score._stand(found, "owl", "to the left of", "dog")
    assert not drawing_score._stand(found, "dog", "to the left of", "cat")
