"""The recipe of `stable_diffusion_picture_book`: its scenes, losses, batches, checkpoints."""

import dataclasses
import itertools

import keras
import numpy as np
import pytest

from models.prompts import PAD, SPECIAL, START, UNKNOWN, WordTokenizer, words
from training import stable_diffusion_picture_book as recipe_module
from training.picture_book import CLASSES, FONT
from training.picture_book.captions import RELATIONS, claims
from training.text_to_image import flow_matching, grounding, sides


@pytest.mark.skipif(
    not FONT.exists(),
    reason="needs the Debian package fonts-noto-color-emoji, which draws the picture-book world",
)
def test_a_round_draws_scenes_of_its_own(tmp_path):
    plan = recipe_module.SMOKE
    images, captions, things = recipe_module.scenes(plan, tmp_path, 0)
    assert len(images) == len(captions) == len(things)
    pairs = [at for at, told in enumerate(things) if told]
    assert pairs, "where two things stand clearly, it is told where"
    for at in pairs:
        assert {name for name, _ in things[at]} <= set(CLASSES) and len(things[at]) == 2
    others = recipe_module.scenes(plan, tmp_path, 1)[0]
    assert not {image.tobytes() for image in images} & {image.tobytes() for image in others}


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
    told = [said([START, 5, 6, PAD])] * 5
    course = flow_matching.Course(1, batch=64)
    inputs, true = flow_matching.batch(latents, told, np.random.default_rng(1), course)
    along = inputs["times"][:, None, None, None]
    clean = inputs["latents"] - along * true["velocity"]
    distance = np.abs(clean[:, None] - latents[None]).max((2, 3, 4)).min(1)
    assert distance.max() < 1e-5
    assert (inputs["times"] > 0).all() and (inputs["times"] < 1).all()
    noisy = flow_matching.Course(1, batch=64, noise=3.0)
    later, _ = flow_matching.batch(latents, told, np.random.default_rng(1), noisy)
    assert (later["times"] > inputs["times"]).all(), "more noise than picture"


def said(token_ids, things=None, cover=((0.5, 1),)):
    """One caption of a scene."""
    things = things or [grounding.NOTHING] * len(token_ids)
    return grounding.Told(
        np.array([token_ids]), np.array([things]), np.array(cover, dtype=np.float32)
    )


def test_some_captions_and_some_words_are_hidden():
    told = [said([START, 5, 6, PAD], [-1, -1, 0, -1])]
    latents = np.zeros((1, 2, 2, 1), np.float32)
    course = flow_matching.Course(1, batch=4000)
    inputs, true = flow_matching.batch(latents, told, np.random.default_rng(0), course)
    ids, named = inputs["token_ids"], true["attention"]
    assert (ids[:, 0] == START).all() and (ids[:, 3] == PAD).all()
    bare = (ids[:, 1:] == PAD).all(1)
    assert abs(bare.mean() - flow_matching.NO_CAPTION) < 0.03
    assert abs((ids[~bare, 1:3] == UNKNOWN).mean() - flow_matching.NO_WORD) < 0.015
    assert named.shape == (4000, 1, 2, 4) and (named[~bare, 0, :, 2] == [0.5, 1]).all()
    assert not named[bare].any() and not named[..., [0, 1, 3]].any()


def test_things_are_where_their_names_are():
    model = recipe_module.build(
        recipe_module.SMOKE, ["a", "an", "cat", "ice", "cream", "left", "of"]
    )
    boxes = {"ice cream": [0, 0, 16, 8], "cat": [16, 8, 32, 32]}
    texts = ["a cat left of an ice cream", "a cat"]
    told = grounding.told(model, texts, boxes.items())
    assert told.things[0, :9].tolist() == [-1, -1, 1, -1, -1, -1, 0, 0, -1]
    assert told.things[1, :4].tolist() == [-1, -1, 1, -1]
    assert told.cover.tolist() == [[0.5, 0, 0, 0], [0, 0.5, 0, 1]], "2 x 2 places of 16 pixels"
    _, named = told.caption(0)
    assert named[:, 2].tolist() == [0, 0.5, 0, 1] and not named[:, 1].any()
    assert grounding.told(model, texts).cover.shape == (0, 4), "nothing is told to be anywhere"


def knowing():
    """All words that tell of two things."""
    return sorted(set(words(" ".join(["a an", *CLASSES, *itertools.chain(*RELATIONS.values())]))))


def test_pairs_are_told_with_the_side_of_each():
    known = knowing()
    told, stands = sides.pairs(WordTokenizer(known, 24), 200, np.random.default_rng(0))
    places = {"left of": (0, -1), "right of": (0, 1), "above": (1, -1), "below": (1, 1)}
    seen = set()
    for ids, stand in zip(told, stands, strict=True):
        text = " ".join(known[at - len(SPECIAL)] for at in ids if at >= len(SPECIAL))
        [(first, relation, second)] = claims(text)
        axis, side = places[relation]
        naming = grounding.naming(text, [first, second], len(ids))
        assert (stand[naming == 0, axis] == side).all()
        assert (stand[naming == 1, axis] == -side).all()
        assert not stand[:, 1 - axis].any() and not stand[naming == grounding.NOTHING].any()
        seen.add(relation)
    assert seen == set(places)


@pytest.mark.slow
def test_the_text_encoder_learns_to_tell_sides_apart(tmp_path):
    sizes = {**recipe_module.SMOKE.sizes, "text_width": 64, "text_depth": 2}
    plan = dataclasses.replace(recipe_module.SMOKE, sizes=sizes)
    keras.utils.set_random_seed(0)
    model = recipe_module.build(plan, knowing())
    text = model.tokenizer(["a cat above a dog", "a cat below a dog", "a cat"])
    before = model.text_encoder.predict(text, verbose=0)[:, 2]
    sides.teach(model, ["a cat", "a dog"], 150, tmp_path)
    after = model.text_encoder.predict(text, verbose=0)[:, 2]
    distance = np.linalg.norm(before[0] - before[1])
    assert np.linalg.norm(after[0] - after[1]) > distance + sides.APART
    assert np.linalg.norm(after[2] - before[2]) < sides.APART / 2, "a cat alone stays what it was"
    assert getattr(model.text_encoder, "optimizer", None) is None, "it would be saved with it"


def test_the_unet_is_blind_along_directions(monkeypatch):
    # In bfloat16, which some CPUs train in, two contexts this far apart differ by rounding alone.
    monkeypatch.setattr(recipe_module.recipe, "precision", lambda: "float32")
    model = recipe_module.build(recipe_module.SMOKE, ["a", "cat"])
    rng = np.random.default_rng(0)
    for weight in model.unet.weights:  # some are 0 in the beginning, so that nothing is read
        weight.assign(rng.normal(0, 0.3, weight.shape))
    directions = np.linalg.qr(rng.normal(size=(16, 2)))[0].astype(np.float32)
    inputs = {
        "latents": rng.normal(size=(1, *model.latent_shape)).astype(np.float32),
        "times": np.array([0.9], np.float32),
        "context": rng.normal(size=(1, model.tokenizer.length, 16)).astype(np.float32),
        "mask": np.ones((1, model.tokenizer.length), bool),
    }
    context = inputs["context"].copy()
    context[:, 2] += 5 * directions.sum(1)
    context[:, 5] -= 5 * directions.sum(1)  # as far the other way, so that their mean stays
    moved = {**inputs, "context": context}

    def difference():
        return np.abs(np.subtract(*(model.unet.predict(x, verbose=0) for x in (inputs, moved))))

    assert difference().max() > 1e-3
    sides.blind(model.unet, directions)
    assert difference().max() < 1e-5


def test_attention_from_outside_of_what_is_named_costs():
    named = np.zeros((3, 1, 4, 3), np.float32)
    named[:2, 0, :, 1] = [0, 1, 0, 1]
    attention = np.full((3, 2, 4, 3), 0.1, np.float32)
    attention[0, :, :, 1] = [0, 0.8, 0, 0.8]
    inside, spread, nothing = np.asarray(grounding.loss(named, attention))
    assert inside < 1e-5 and spread == pytest.approx(0.25, abs=1e-4) and nothing == 0


def test_attention_is_what_the_unet_attends_to():
    """Its own weights, read and trained: what the loss changes is the U-Net that is saved."""
    model = recipe_module.build(recipe_module.SMOKE, ["a", "cat", "left", "of", "dog"])
    things = [("cat", [0, 0, 12, 32]), ("dog", [20, 0, 32, 32])]
    told = [grounding.told(model, ["a cat left of a dog"], things)]
    course = flow_matching.Course(40, batch=8, peak_rate=1e-2, grounding=10.0)
    trainer = flow_matching.compiled(model, course)
    assert len(trainer.trainable_variables) == len(
        model.unet.trainable_variables + model.text_encoder.trainable_variables
    )
    rng = np.random.default_rng(0)
    losses = [
        trainer.train_on_batch(
            *flow_matching.batch(np.zeros((1, 4, 4, 4)), told, rng, course), return_dict=True
        )["attention_loss"]
        for _ in range(40)
    ]
    assert losses[-1] < losses[0] / 2, "what is named is attended to from where it is"


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
