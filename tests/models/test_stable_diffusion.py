"""The parts of Stable Diffusion, small: words to ids, folding, masks, normalised latents."""

import numpy as np
import pytest

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


@pytest.fixture(scope="module")
def model():
    import keras

    from models.architectures.stable_diffusion import StableDiffusion

    keras.utils.set_random_seed(0)
    return StableDiffusion(
        ("a", "dog"),
        dtype="float32",
        latent_mean=[1, 2, 3, 4],
        latent_deviation=[2, 2, 2, 2],
        **TINY,
    )


def test_words_become_ids_and_long_texts_are_cut(model):
    ids = model.tokenizer(["A dog, a DOG!", "a zebra", "a " * 20])
    assert ids.tolist() == [
        [1, 3, 4, 3, 4, 0, 0, 0],
        [1, 3, 2, 0, 0, 0, 0, 0],
        [1, 3, 3, 3, 3, 3, 3, 3],
    ]
    assert model.tokenizer.unknown("a zebra, a zebra and a dog") == ("zebra", "and")


def test_unfold_undoes_fold():
    from models.architectures.autoencoder import fold, unfold

    images = np.random.default_rng(0).normal(size=(2, 8, 6, 3)).astype(np.float32)
    folded = np.asarray(fold(images))
    assert folded.shape == (2, 4, 3, 12)
    np.testing.assert_array_equal(folded[0, 0, 0, :3], images[0, 0, 0])
    np.testing.assert_array_equal(np.asarray(unfold(folded)), images)


def test_padding_changes_nothing(model):
    """What stands behind the mask must not reach the velocity."""
    rng = np.random.default_rng(0)
    for weight in model.unet.weights:
        if not np.any(weight):
            weight.assign(rng.normal(0, 0.2, weight.shape))
    latents = rng.normal(size=(1, 4, 4, 4)).astype(np.float32)
    context = rng.normal(size=(1, 8, 16)).astype(np.float32)
    other = context.copy()
    other[:, 5:] += 3
    mask = np.arange(8)[None] < 5
    times = np.array([0.4], np.float32)
    first, second = (model.estimate(latents, times, each, mask) for each in (context, other))
    np.testing.assert_allclose(first, second, atol=1e-5)
    third = model.estimate(latents, times, context[:, ::-1].copy(), mask)
    assert np.abs(np.asarray(third) - np.asarray(first)).max() > 1e-3


def test_places_tell_row_and_column():
    """The row is the same along a row, and the line in it runs from edge to edge."""
    from models.architectures.unet import PLACE_SIZE, places

    told = np.asarray(places((16, 32))).reshape(4, 4, 32) / PLACE_SIZE
    np.testing.assert_allclose(told[:, 0, :16], told[:, 3, :16])
    np.testing.assert_allclose(told[0, :, 16:], told[3, :, 16:])
    np.testing.assert_allclose(told[:, 0, 8], [-0.75, -0.25, 0.25, 0.75], atol=1e-6)
    assert len(np.unique(told.reshape(16, 32).round(4), axis=0)) == 16, "each place is its own"


def test_latents_are_normalised_both_ways(model):
    """encode gives (raw - mean) / deviation; decode takes that off again."""
    images = np.random.default_rng(1).uniform(-1, 1, (2, 32, 32, 3)).astype(np.float32)
    raw = np.asarray(model.encoder(images))
    normal = np.asarray(model.encode(images))
    np.testing.assert_allclose(normal, (raw - [1, 2, 3, 4]) / 2, atol=1e-5)
    rng = np.random.default_rng(2)
    for weight in model.decoder.weights:
        if not np.any(weight):
            weight.assign(rng.normal(0, 0.2, weight.shape))
    rebuilt = np.clip(np.asarray(model.decoder(raw)), -1, 1)
    np.testing.assert_allclose(np.asarray(model.decode(normal)), rebuilt, atol=1e-4)
    assert rebuilt.std() > 0
