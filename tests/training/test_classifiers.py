"""What the classifiers' recipes share: augmentation, schedule, splits and scores, by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from training import sheets
from training.classification import classifiers, photo_batches, photos


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def ramp():
    """Eight pictures of 6 x 6 whose pixels say where they are from."""
    return np.tile(np.arange(36, dtype=np.uint8).reshape(1, 6, 6, 1), (8, 1, 1, 3))


def test_flipped_mirrors_some_and_leaves_the_source(ramp, rng):
    before = ramp.copy()
    after = photo_batches.flipped(ramp, rng)
    mirrored = [(each == before[0, :, ::-1]).all() for each in after]
    kept = [(each == before[0]).all() for each in after]
    assert any(mirrored) and any(kept) and all(np.logical_xor(mirrored, kept))
    assert (ramp == before).all()


def test_shifted_moves_whole_pictures(ramp, rng):
    for each in photo_batches.shifted(ramp, rng, 2):
        inner = each[2:4, 2:4, 0].astype(int)
        assert inner[0, 1] - inner[0, 0] in (1, -1) or inner[0, 0] == inner[0, 1]
        assert set(np.unique(each)) <= set(range(36))


def test_shifted_by_nothing_is_the_same(ramp, rng):
    assert (photo_batches.shifted(ramp, rng, 0) == ramp).all()


def test_cut_out_greys_at_most_one_square(rng):
    white = np.full((50, 12, 12, 3), 255, np.uint8)
    grey = (photo_batches.cut_out(white, rng, 4) == 128).all(axis=3)
    assert grey.sum(axis=(1, 2)).max() == 16 and grey.sum(axis=(1, 2)).min() >= 4


def test_cut_mixed_mixes_targets_by_what_is_left_of_the_pictures(rng):
    shades = np.arange(1, 41, dtype=np.uint8)
    images = np.broadcast_to(shades[:, None, None, None], (40, 8, 8, 3))
    mixed, targets = photo_batches.cut_mixed(images, np.eye(40, dtype=np.float32), rng)
    assert mixed.dtype == np.uint8 and targets.dtype == np.float32
    shares = (mixed[..., :1] == shades).mean(axis=(1, 2))
    np.testing.assert_allclose(targets, shares, atol=1e-6)
    assert (shares.diagonal() < 1).any() and (shares > 0).sum(axis=1).max() == 2


def test_toned_stays_in_range_and_leaves_grey_near_grey(rng):
    extremes = np.array([0, 128, 255], np.uint8).reshape(1, 1, 3, 1).repeat(3, axis=3)
    after = photo_batches.toned(np.tile(extremes, (20, 1, 1, 1)), rng)
    assert after.dtype == np.uint8
    assert abs(after[:, 0, 1].astype(int) - 128).max() <= 0.3 * 128 + 1
    assert (after[:, 0, 0] <= after[:, 0, 1]).all() and (after[:, 0, 1] <= after[:, 0, 2]).all()


@pytest.mark.parametrize(
    ("share", "rate"),
    [(0, 0), (0.05, 0.5), (0.1, 1), (0.549, 1), (0.775, 0.5), (1, 0), (1.2, 0)],
)
def test_the_schedule_warms_up_holds_and_falls(share, rate):
    found = classifiers.warm_up_hold_cosine(share, warm_up=0.1, hold=0.45)
    assert found == pytest.approx(rate, abs=1e-3)


def test_the_schedule_stays_above_its_floor():
    shares = np.linspace(0, 1, 21)
    rates = [classifiers.warm_up_hold_cosine(share, 0.2, 0, floor=0.05) for share in shares]
    assert min(rates) == rates[0] == rates[-1] == 0.05 and max(rates) == 1


def test_the_pace_is_that_of_the_clock_where_steps_are_slow(tmp_path, monkeypatch):
    now = iter([0.0, 75.0, 75.0, 150.0])
    monkeypatch.setattr(classifiers.time, "monotonic", lambda: next(now))
    pace = classifiers.Pace(tmp_path, steps=10, epochs=10, peak=1.0, minutes=1)
    pace.step = 10
    assert pace.share == 0.25
    pace.step = 50
    assert pace.share == 0.5
    assert pace.share == 1.0


def test_scores_by_hand():
    """Class 0: two of three right; class 1: none of one. The right one is always among five."""
    probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    found = classifiers.scores(probability, np.array([0, 0, 0, 1]))
    assert found == {"top1": 0.5, "mean_over_classes": 0.3333, "top5": 1.0}


def test_a_split_holds_out_a_share_of_each_class_and_repeats():
    everything = photos.stand_in(("a", "b", "c"), 20, 4, 0)
    train_on, held_out = photos.split(everything, 0.1, 7)
    assert np.bincount(held_out.labels).tolist() == [2, 2, 2] and len(train_on) == 54
    again = photos.split(everything, 0.1, 7)[1]
    assert (again.images == held_out.images).all()
    assert not (photos.split(everything, 0.1, 8)[1].images == held_out.images).all()


def test_batches_repeat_by_seed_and_go_on_from_an_epoch():
    everything = photos.stand_in(("a", "b"), 8, 4, 0)

    def draw(first_epoch, count):
        drawn = photo_batches.batches(everything, 4, lambda *both: both[:2], 3, first_epoch)
        return [images.numpy() for images, _ in drawn.take(count)]

    whole = draw(0, 8)
    assert all((a == b).all() for a, b in zip(draw(1, 4), whole[4:], strict=True))
    assert not all((a == b).all() for a, b in zip(whole[:4], whole[4:], strict=True))


def test_numbered_batches_repeat_by_seed_and_go_on_from_an_epoch():
    everything = photos.stand_in(("a", "b"), 8, 4, 0)

    def drawn(first_epoch):
        return photo_batches.Numbered(everything, 4, lambda *both: both[:2], 3, first_epoch)

    for number in range(4):
        assert (drawn(1)[number][0] == drawn(0)[4 + number][0]).all()
    epoch = np.concatenate([drawn(0)[number][0] for number in range(4)])
    assert sorted(map(bytes, epoch)) == sorted(map(bytes, everything.images)), "each photo once"
    assert not all((drawn(0)[at][0] == drawn(1)[at][0]).all() for at in range(4))


def test_a_mirrored_classifier_answers_mirror_images_alike_once_trained(rng):
    from models.architectures import whitened_resnet

    backbone = whitened_resnet.WhitenedResNet((4, 4, 4), blocks=(2, 1, 1))
    model = whitened_resnet.WhitenedResNetImageClassifier(
        backbone=backbone, num_classes=3, mirrored=True
    )
    images = rng.normal(size=(2, 32, 32, 3)).astype(np.float32)
    both = [np.array(model(images[:, :, ::step], training=False)) for step in (1, -1)]
    np.testing.assert_allclose(*both, atol=1e-5)
    alone = [np.array(model(images[:, :, ::step], training=True)) for step in (1, -1)]
    assert abs(alone[0] - alone[1]).max() > 1e-4
    assert model.get_config()["mirrored"] and backbone.get_config()["blocks"] == (2, 1, 1)


def test_a_zip_of_folders_becomes_photos(tmp_path):
    import io
    import zipfile

    from PIL import Image

    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name, shade in (("owl/1.jpg", 200), ("ant/1.jpg", 20), ("owl/2.jpg", 220)):
            file = io.BytesIO()
            Image.new("L", (30, 20), shade).save(file, "JPEG")
            archive.writestr(name, file.getvalue())
    found = photos.from_zip(tmp_path / "photos.zip", 8)
    assert found.classes == ("ant", "owl") and found.labels.tolist() == [0, 1, 1]
    assert found.images.shape == (3, 8, 8, 3)
    np.testing.assert_allclose(found.images.mean(axis=(1, 2, 3)), [20, 200, 220], atol=2)


def fitted(everything, folder, epochs, minutes=60):
    """A tiny network fitted in `folder`; gives its weights and its Pace."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    model.preprocessor = None
    classifiers.compile_for_training(model, classifiers.sgd(5e-4))
    pace = classifiers.Pace(folder, 8, 4, 0.01, minutes)

    def batches_of(size, first_epoch):
        drawn = photo_batches.batches(everything, 4, lambda *both: both[:2], 0, first_epoch)
        return drawn.map(photo_batches.scaled)

    classifiers.fit_stages(model, pace, [(epochs, 8)], batches_of)
    return model.get_weights(), pace


def test_training_goes_on_from_its_checkpoint(tmp_path):
    """A run stopped after two epochs and started again ends as one that was not."""
    everything = photos.stand_in(("a", "b"), 16, 8, 0)
    for name in ("whole", "stopped"):
        (tmp_path / name).mkdir()
    whole, pace = fitted(everything, tmp_path / "whole", 4)
    fitted(everything, tmp_path / "stopped", 2)
    stopped, again = fitted(everything, tmp_path / "stopped", 4)
    for one, other in zip(whole, stopped, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert pace.epoch == again.epoch == 4 and pace.step == again.step == 32


def test_checkpoints_are_as_seldom_as_asked_for(tmp_path, monkeypatch):
    now = iter([0.0, 30.0, 61.0, 90.0])
    monkeypatch.setattr(classifiers.time, "monotonic", lambda: next(now))
    pace = classifiers.Pace(tmp_path, 8, 4, 0.01, keep_every=60)
    kept = []
    pace.set_model(SimpleNamespace(stop_training=False))
    monkeypatch.setattr(pace, "_keep", lambda: kept.append(pace.epoch))
    for epoch in range(3):
        pace.on_epoch_end(epoch)
    assert kept == [2]


def test_training_ends_when_its_time_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(classifiers, "START_UP", 0)
    everything = photos.stand_in(("a", "b"), 16, 8, 0)
    _, pace = fitted(everything, tmp_path, 4, minutes=1e-6)
    assert pace.step <= 1 and pace.share == 1


def test_a_row_of_the_confusion_sheet_is_what_was_shown(tmp_path):
    """Two of the first kind, one of them taken for the second; of the second all are told."""
    held_out = photos.Photos(np.zeros((3, 4, 4, 3), np.uint8), np.array([0, 0, 1]), ["a", "b"])
    given = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    classifiers._show_confusion(given, held_out, tmp_path / "failures.jpg")
    with Image.open(tmp_path / "failures.jpg") as drawn:
        right, lower = drawn.width - 8 - 72, drawn.height - 8 - sheets.LINE - 34
        taken = drawn.getpixel((right, lower - 38))  # first row, second column
        never = drawn.getpixel((right - 76, lower))  # second row, first column
    assert taken[0] - taken[1] > 30 and abs(never[0] - never[1]) < 10
