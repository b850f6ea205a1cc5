"""Drawing: checks, seeds, batches, stopping; with a tiny model of random weights."""

import contextlib
import importlib
import itertools

import numpy as np
import pytest

from models import catalog, detection, loader, results, runtime, text_to_image
from models.checks import BadInput

TINY = {
    "text_length": 8,
    "text_width": 16,
    "text_depth": 1,
    "image_size": 32,
    "channels": 4,
    "autoencoder_widths": (8, 8, 16),
    "unet_widths": (8, 16),
    "unet_depths": (1, 1),
    "heads": 2,
}
WORDS = ("a", "dog", "cat", "meadow", "in")


@pytest.fixture(scope="module")
def loaded():
    """A Loaded of random weights, none of them zero, so that every input matters."""
    import keras

    from models.architectures.stable_diffusion import StableDiffusion

    runtime.start()
    keras.utils.set_random_seed(0)
    model = StableDiffusion(WORDS, dtype="float32", **TINY)
    rng = np.random.default_rng(0)
    for weight in [*model.unet.weights, *model.decoder.weights]:
        if not np.any(weight):
            weight.assign(rng.normal(0, 0.2, weight.shape))
    return loader.Loaded(catalog.get("stable_diffusion_picture_book"), lambda: model)


@pytest.fixture
def tiny(loaded, monkeypatch):
    """The tiny model in the place of whatever is asked for."""
    monkeypatch.setattr(loader, "use", lambda name: contextlib.nullcontext(loaded))
    monkeypatch.setattr(loader, "load", lambda name: loaded)


@pytest.fixture
def drawn(tiny):
    """Return a function that draws with the tiny model and gives all steps."""

    def draw(prompt="a dog", **options):
        return list(text_to_image.generate(prompt, **{"steps": 5, "seed": 3, **options}))

    return draw


def test_steps_count_up_and_the_last_has_images(drawn):
    steps = drawn(batch_size=2)
    assert [(step.index, step.total) for step in steps] == [(at, 5) for at in range(1, 6)]
    assert all(step.images is None for step in steps[:-1])
    assert steps[-1].images.shape == (2, 32, 32, 3) and steps[-1].images.dtype == np.uint8
    assert steps[0].previews.shape == (2, 32, 32, 3)
    assert steps[-1].run.seed == 3


def test_same_settings_same_image_to_the_bit(drawn):
    np.testing.assert_array_equal(drawn()[-1].images, drawn()[-1].images)


def test_image_is_the_same_picture_in_a_batch_of_another_size(drawn):
    alone, among = drawn(batch_size=1)[-1].images, drawn(batch_size=4)[-1].images
    assert np.abs(alone[0].astype(int) - among[0]).max() <= 2
    assert np.abs(among[1].astype(int) - among[0]).max() > 8, "the batch repeats one picture"


def test_pictures_that_do_not_fit_into_memory_together_are_drawn_in_turn(
    drawn, loaded, monkeypatch
):
    together, compiled = drawn(batch_size=3)[-1].images, loaded.compiled

    def for_one_picture(function, exact=False):
        def run(*arrays):
            if function is not text_to_image._context and len(arrays[0]) > 1:
                raise MemoryError
            return compiled(function, exact)(*arrays)

        return run

    monkeypatch.setattr(loaded, "compiled", for_one_picture)
    with pytest.raises(MemoryError):
        drawn(batch_size=3)
    steps = drawn(batch_size=3, at_once=1)
    assert [step.index for step in steps] == [1, 2, 3, 4, 5] and len(steps[0].previews) == 3
    assert np.abs(steps[-1].images.astype(int) - together).max() <= 2


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"prompt": "a cat"}, id="prompt"),
        pytest.param({"negative_prompt": "meadow"}, id="negative prompt"),
        pytest.param({"seed": 0}, id="seed of zero"),
        pytest.param({"guidance_scale": 9}, id="guidance"),
        pytest.param({"steps": 4}, id="steps"),
    ],
)
def test_every_setting_matters(drawn, change):
    assert (drawn(**change)[-1].images != drawn()[-1].images).any()


def test_guidance_is_the_models_own_unless_asked_otherwise():
    own, told, other = (
        list(text_to_image.generate("a dog", steps=2, seed=1, guidance_scale=scale))[-1].images
        for scale in (None, catalog.get("stable_diffusion_picture_book").guidance, 9)
    )
    np.testing.assert_array_equal(own, told)
    assert (own != other).any()


def test_guidance_of_one_is_the_plain_model(drawn):
    """At scale 1 the negative prompt drops out of the sum."""
    plain = drawn(guidance_scale=1)[-1].images
    with_negative = drawn(guidance_scale=1, negative_prompt="meadow")[-1].images
    assert np.abs(plain.astype(int) - with_negative).max() <= 1


def test_a_seed_at_random_is_told_and_repeats(drawn):
    first = drawn(seed=None)[-1]
    again = drawn(seed=first.run.seed)[-1]
    np.testing.assert_array_equal(first.images, again.images)


def test_closing_stops_and_frees_the_lock(loaded, drawn):
    generator = text_to_image.generate("a dog", steps=50, seed=1)
    next(generator)
    assert not loaded.lock.locked(), "the lock is held over a yield"
    generator.close()
    assert loaded.lock.acquire(timeout=1)
    loaded.lock.release()


def edited(words="a cat", **options):
    """The two pictures of an edit of "a dog"."""
    steps = list(text_to_image.edit("a dog", words, **{"steps": 5, "seed": 3, **options}))
    assert [step.index for step in steps] == [1, 2, 3, 4, 5] and len(steps[0].previews) == 2
    return steps[-1].images.astype(int)


@pytest.mark.parametrize("keep", [0, 0.4, 1])
def test_of_an_edit_the_first_picture_is_that_of_its_prompt(tiny, drawn, keep):
    first, _ = edited(keep=keep)
    assert np.abs(first - drawn()[-1].images[0]).max() <= 2


def test_of_an_edit_that_keeps_nothing_both_pictures_are_those_of_their_prompts(tiny, drawn):
    _, second = edited(keep=0)
    assert np.abs(second - drawn("a cat")[-1].images[0]).max() <= 2


def test_an_edit_follows_in_as_many_steps_as_it_keeps(tiny):
    """Each further step of five changes the picture, and none changes where words stay."""
    kept = [edited(keep=keep)[1] for keep in (0, 0.2, 0.4, 1)]
    assert all((one != other).any() for one, other in itertools.combinations(kept, 2))
    first, same = edited("a dog", keep=1)
    assert np.abs(first - same).max() <= 2


def test_of_an_edit_the_negative_prompt_and_the_guidance_count(tiny):
    usual = edited()
    for change in ({"negative_prompt": "meadow"}, {"guidance_scale": 9}, {"seed": 4}):
        assert all((one != other).any() for one, other in zip(edited(**change), usual, strict=True))


def test_who_follows_attends_as_the_first_does_and_no_longer_than_that():
    import keras

    from models.architectures.shared_attention import following

    attention = keras.layers.MultiHeadAttention(2, 4)
    given = np.random.default_rng(0).normal(size=(4, 6, 8)).astype("float32")

    def weights():
        found, scores = attention(given, given, return_attention_scores=True)
        return np.asarray(found), np.asarray(scores)

    before, own = weights()
    with following([attention.query_dense, attention.key_dense]):
        found, shared = weights()
    np.testing.assert_allclose(shared[1], own[0], atol=1e-6)
    np.testing.assert_allclose(shared[[0, 2, 3]], own[[0, 2, 3]], atol=1e-6)
    assert np.abs(found[1] - before[0]).max() > 0.01, "what it finds there is not its own"
    np.testing.assert_array_equal(weights()[1], own)


def test_what_a_thing_is_changed_into_takes_its_place():
    """By the bundled models: a cat where the dog was, and the same meadow around it."""
    told = "a dog in a meadow", "a cat in a meadow"
    *_, last = text_to_image.edit(*told, seed=1)
    named = zip(last.images, ("dog", "cat"), strict=True)
    boxes = np.stack([_found(image, name) for image, name in named])
    assert results._iou(boxes[0], boxes[1:])[0] > 0.5
    left, top, right, bottom = np.concatenate([np.min(boxes, 0)[:2], np.max(boxes, 0)[2:]])
    outside = np.ones(last.images.shape[1:3], bool)
    outside[int(top) : int(bottom), int(left) : int(right)] = False
    apart = np.abs(np.diff(last.images.astype(int), axis=0))[0].mean(-1)
    assert apart[outside].mean() < apart[~outside].mean() / 3


def _found(image, name):
    found = detection.detect(image, "retinanet_picture_book").filter(0.3)
    return found.boxes[found.labels.index(name)]


def test_a_model_that_cannot_edit_says_so():
    with pytest.raises(BadInput, match="Choose another model"):
        text_to_image.edit("a dog", "a cat", model="stable_diffusion_3.5_medium")


@pytest.mark.parametrize("steps", [1, 2, 25])
@pytest.mark.parametrize("module", ["stable_diffusion", "published_diffusion"])
def test_a_step_tells_what_picture_it_heads_for(steps, module):
    runtime.start()
    found = importlib.import_module(f"models.architectures.{module}")
    kind = getattr(found, "PublishedDiffusion", None) or found.StableDiffusion
    picture, noise = text_to_image.noise(1, 2, (4, 4, 4))
    levels = kind.levels(None, steps)
    assert len(levels) == steps + 1
    for now, after in itertools.pairwise(levels):
        before, latents = (level[0] * picture + level[1] * noise for level in (now, after))
        found = text_to_image._picture(before, latents, now, after)
        np.testing.assert_allclose(found, picture, atol=2e-3)


def test_a_glimpse_is_linear_in_the_latents():
    """It is the offset where latents are 0; a channel adds its row; nothing leaves [-1, 1]."""
    colours = [[0.1, 0.2, 0.3], *[[0.0] * 3] * 3, [0.5, 0.0, -0.5]]
    latents = np.zeros((1, 4, 4, 4), np.float32)
    latents[0, 1, 2, 0], latents[0, 3, 3, 0] = 2, 40
    seen = text_to_image._glimpse({"colours": colours, "pixels": [4, 4]}, latents)[0]
    assert seen[0, 0].tolist() == [191, 128, 64]
    assert seen[1, 2].tolist() == [217, 178, 140]
    assert seen[3, 3].tolist() == [255, 255, 255]


def test_words_outside_the_vocabulary_are_told(drawn):
    assert text_to_image.passed_over("An astronaut in a meadow") == ("an", "astronaut")
    assert text_to_image.passed_over("a dog in a meadow a dog cat") == ("cat",), "too long"
    assert text_to_image.passed_over("a dog") == ()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param({"prompt": " "}, "empty", id="empty prompt"),
        pytest.param({"prompt": "dog " * 2500}, "Shorten", id="10,000 characters"),
        pytest.param({"prompt": None}, "nothing came", id="no prompt"),
        pytest.param({"negative_prompt": 7}, "negative prompt", id="negative prompt not text"),
        pytest.param({"model": "dall-e"}, "stable_diffusion_picture_book", id="unknown model"),
        pytest.param({"model": "resnet_cifar10"}, "classification", id="a classifier"),
        pytest.param({"steps": 0}, "from 1 to 100", id="no steps"),
        pytest.param({"steps": 2.5}, "whole number", id="half a step"),
        pytest.param({"guidance_scale": float("nan")}, "from 1 to 12", id="nan guidance"),
        pytest.param({"batch_size": 5}, "from 1 to 4", id="five pictures"),
        pytest.param({"batch_size": True}, "batch_size", id="True pictures"),
        pytest.param({"seed": -1}, "seed", id="negative seed"),
    ],
)
def test_bad_input_is_told_before_any_work(options, told):
    with pytest.raises(BadInput, match=told):
        text_to_image.generate(**{"prompt": "a dog", **options})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param({"edited_prompt": ""}, "changed prompt is empty", id="no words"),
        pytest.param({"edited_prompt": "cat " * 2500}, "Shorten", id="10,000 characters"),
        pytest.param({"keep": 1.5}, "from 0 to 1", id="more than all"),
        pytest.param({"keep": float("nan")}, "from 0 to 1", id="nan"),
        pytest.param({"keep": None}, "keep", id="nothing kept"),
        pytest.param({"prompt": " "}, "empty", id="empty prompt"),
        pytest.param({"steps": 0}, "from 1 to 100", id="no steps"),
    ],
)
def test_bad_input_to_an_edit_is_told_before_any_work(options, told):
    with pytest.raises(BadInput, match=told):
        text_to_image.edit(**{"prompt": "a dog", "edited_prompt": "a cat", **options})
