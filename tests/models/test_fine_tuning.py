"""Fine-tuning: a head learned from a few pictures, checked on those that it has not seen."""

import subprocess
import sys

import numpy as np
import pytest

from models import fine_tuning
from models.checks import BadInput
from models.rows import BUNDLED

EXAMPLES = BUNDLED.parent / "examples"
PETS = {
    name: [EXAMPLES / f"{name}-{place}.jpg" for place in range(1, 7)] for name in ("cat", "dog")
}
ALONE = """
import sys
import keras

model = keras.saving.load_model(sys.argv[1])
for picture in sys.argv[2:]:
    print("told", *model.predict(keras.utils.img_to_array(keras.utils.load_img(picture))[None])[0])
assert "models" not in sys.modules
"""
GREY = np.full((20, 30, 3), 120, np.uint8)


@pytest.fixture(scope="module")
def pets():
    """What drawn cats and dogs teach the default model, which knows photos."""
    return fine_tuning.fit(PETS)


def test_cats_and_dogs_are_told_apart(pets):
    assert pets.right >= 11 and len(pets.guessed) == 12
    for name in PETS:
        for place in (7, 8):
            found = fine_tuning.classify(EXAMPLES / f"{name}-{place}.jpg", pets).predictions
            assert found[0].label == name
            assert sum(each.probability for each in found) == pytest.approx(1, abs=1e-6)


def test_the_losses_fall(pets):
    assert len(pets.loss) == len(pets.held_out_loss) == fine_tuning.EPOCHS
    assert pets.loss[-1] < pets.loss[0] < 1
    # Labels smoothed by a tenth cannot be told with less.
    assert pets.loss[-1] >= 0.198


def test_the_same_pictures_give_the_same_head(pets):
    again = fine_tuning.fit(PETS)
    assert (again.kernel == pets.kernel).all() and again.guessed == pets.guessed


def test_a_picture_is_judged_by_a_head_that_has_not_seen_it():
    """Each is in both classes: whoever has seen it in one alone takes it for that one."""
    turned = PETS["cat"][1:] + PETS["cat"][:1]
    fooled = fine_tuning.fit({"one": PETS["cat"], "other": turned})
    assert fooled.right <= 3


def test_more_pictures_of_a_class_do_not_make_it_likelier():
    alike = fine_tuning.fit({"few": [GREY] * 2, "many": [GREY] * 12})
    found = fine_tuning.classify(GREY, alike).predictions
    assert found[0].probability == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("model", ["resnet_cifar10", "efficientnetv2_picture_book"])
def test_other_models_learn_as_well(model):
    tuned = fine_tuning.fit(PETS, model)
    assert tuned.right >= 10 and tuned.run.model == model
    assert fine_tuning.classify(EXAMPLES / "cat-7.jpg", tuned).run.model == model


def test_five_classes_of_twenty_are_taken_and_epochs_counted():
    rng = np.random.default_rng(0)
    noise = {
        str(name): list(rng.integers(0, 256, (20, 9, 9, 3), dtype=np.uint8)) for name in range(5)
    }
    tuned = fine_tuning.fit(noise, epochs=2)
    assert tuned.kernel.shape[1] == len(tuned.bias) == 5 and len(tuned.guessed) == 100
    assert len(tuned.loss) == 2
    assert tuned.right < 50, "there is nothing to learn"


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        pytest.param(None, "2 to 5 classes", id="nothing"),
        pytest.param({"cat": [GREY] * 2}, "2 to 5 classes", id="one class"),
        pytest.param({str(at): [GREY] * 2 for at in range(6)}, "2 to 5 classes", id="six"),
        pytest.param({"cat": [GREY] * 2, "dog": [GREY]}, "1 came of 'dog'", id="one picture"),
        pytest.param({"cat": [GREY] * 21, "dog": [GREY] * 2}, "21 came", id="too many"),
        pytest.param({"cat": [GREY] * 2, "dog": GREY}, "0 came of 'dog'", id="no list"),
        pytest.param({"cat": [GREY] * 2, " ": [GREY] * 2}, "name of a class", id="no name"),
        pytest.param({"cat": [GREY] * 2, "C" * 41: [GREY] * 2}, "at most 40", id="long name"),
        pytest.param({"cat": [GREY] * 2, "Cat ": [GREY] * 2}, "same name", id="the same name"),
        pytest.param(
            {"cat": [GREY] * 2, "dog": [GREY, "gone.png"]}, "Picture 2 of 'dog'.*gone", id="no file"
        ),
    ],
)
def test_what_cannot_be_taught_is_explained(pictures, message):
    with pytest.raises(BadInput, match=message):
        fine_tuning.fit(pictures)


def test_nothing_is_named_before_something_is_taught():
    with pytest.raises(BadInput, match="press Teach"):
        fine_tuning.classify(GREY, None)


@pytest.mark.slow
def test_keras_alone_reads_what_is_kept(pets, tmp_path):
    """Without the app, and in pictures of another shape than the model's."""
    path = tmp_path / "pets.keras"
    fine_tuning.save(pets, path)
    pictures = [EXAMPLES / "cat-7.jpg", EXAMPLES / "dog-8.jpg", EXAMPLES / "meadow.jpg"]
    command = [sys.executable, "-c", ALONE, path, *pictures]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    told = [line.split()[1:] for line in ran.stdout.splitlines() if line.startswith("told")]
    assert len(told) == 3
    for picture, shares in zip(pictures, told, strict=True):
        wanted = as_told(fine_tuning.classify(picture, pets), pets)
        assert [float(share) for share in shares] == pytest.approx(wanted, abs=0.02)


def as_told(found, tuned):
    shares = {each.label: each.probability for each in found.predictions}
    return [shares[name] for name in tuned.classes]


def test_a_network_of_our_own_is_kept_as_well(tmp_path):
    import keras

    tuned = fine_tuning.fit(PETS, "resnet_cifar10", epochs=3)
    assert fine_tuning.needs(tuned) == "models.architectures.whitened_resnet"
    fine_tuning.save(tuned, tmp_path / "pets.keras")
    model = keras.saving.load_model(tmp_path / "pets.keras")
    for size in ((20, 30), (90, 32)):
        noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        told = as_told(fine_tuning.classify(noise, tuned), tuned)
        assert model.predict(noise[None], verbose=0)[0] == pytest.approx(told, abs=0.02)


@pytest.mark.parametrize("path", ["pets.h5", "pets", ""])
def test_a_model_is_kept_in_keras_own_format(pets, path):
    with pytest.raises(BadInput, match=r"ends in \.keras"):
        fine_tuning.save(pets, path)
    with pytest.raises(BadInput, match="press Teach"):
        fine_tuning.save(None, "pets.keras")


@pytest.mark.parametrize("epochs", [0, 101, 2.5, "many", None])
def test_epochs_have_a_range(epochs):
    with pytest.raises(BadInput, match="number of epochs"):
        fine_tuning.fit(PETS, epochs=epochs)
