"""The detector's recipe: metric by hand, targets, views, losses, stages."""

import numpy as np
import pytest
from PIL import Image

from training import retinanet_picture_book as recipe_module
from training.detection.metrics import average_precision, matched, mistakes, overlaps, summary
from training.detection.targets import BACKGROUND, IGNORED, assign, encode, through, window

A, B, C = [0, 0, 10, 10], [20, 20, 30, 30], [40, 0, 50, 10]


def image(boxes, *others):
    return (np.reshape(np.array(boxes, float), (-1, 4)), *map(np.array, others))


def test_overlaps_by_hand():
    half = [[5, 0, 15, 10]]  # shares 50 with A, which has 100; together 150
    np.testing.assert_allclose(overlaps([A, B], half), [[1 / 3], [0]])


def test_a_truth_is_found_once():
    boxes = np.array([A, A, B], float)
    assert matched(boxes, np.array([A, B], float), 0.5).tolist() == [True, False, True]


def test_average_precision_by_hand():
    """Of two truths, hit, miss, hit: precision 1 up to recall 0.5, then 2/3: 51 and 50 points."""
    found = [image([A, C, B], [0.9, 0.8, 0.7], [0, 0, 0])]
    truths = [image([A, B], [0, 0])]
    expected = (51 * 1 + 50 * 2 / 3) / 101
    np.testing.assert_allclose(average_precision(found, truths, 1), [expected])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        pytest.param(image([A], [0.9], [0]), 1.0, id="all found"),
        pytest.param(image([A], [0.9], [1]), 0.0, id="right place, wrong class"),
        pytest.param(image([], [], []), 0.0, id="nothing found"),
        pytest.param(image([B, A], [0.9, 0.8], [0, 0]), 0.5, id="a wrong one first"),
    ],
)
def test_average_precision_of_one_truth(found, expected):
    each = average_precision([found], [image([A], [0])], 2)
    assert each[0] == pytest.approx(expected)
    assert np.isnan(each[1]), "a class that is nowhere has no score"


def test_detections_of_another_image_do_not_count():
    found = [image([], [], []), image([A], [0.9], [0])]
    truths = [image([A], [0]), image([], [])]
    assert average_precision(found, truths, 1)[0] == 0


def test_mistakes_are_frames_around_what_is_not_there():
    found = [
        image([A, A, C], [0.9, 0.8, 0.7], [0, 0, 0]),  # right, right twice, nothing there
        image([B], [0.95], [1]),  # taken for another thing
        image([[0, 0, 10, 30]], [0.6], [0]),  # far too large
    ]
    truths = [image([A], [0]), image([B], [0]), image([A], [0])]
    told = [(score, at, label, there) for score, at, _, label, there in mistakes(found, truths)]
    assert told == [(0.95, 1, 1, 0), (0.7, 0, 0, None), (0.6, 2, 0, 0)]


def test_the_surest_mistake_of_each_scene_is_shown(tmp_path):
    images = np.zeros((2, 40, 40, 3), np.uint8)
    wrong = [(0.9, 1, A, 0, None), (0.8, 1, B, 1, 2), (0.7, 0, B, 1, 2)]
    recipe_module.show_mistakes(images, wrong, tmp_path / "failures.jpg")
    with Image.open(tmp_path / "failures.jpg") as sheet:
        assert sheet.width > 2 * 192 and len(sheet.convert("RGB").getcolors(1 << 24)) > 2
    recipe_module.show_mistakes(images, [], tmp_path / "failures.jpg")
    assert not (tmp_path / "failures.jpg").exists(), "that of an earlier measurement"


def test_the_summary_averages_over_thresholds():
    """A box with IoU 0.7 is right at 0.50 to 0.65 or 0.70 of the ten thresholds."""
    found = [image([[0, 0, 10, 7.2]], [0.9], [0])]
    figures = summary(found, [image([A], [0])], 1)
    assert figures == {"ap50": 1.0, "ap": pytest.approx(0.5)}


def grid(size=64, stride=8, side=32):
    """Anchors of one level, as keras-hub lays them: centred on the corners of the cells."""
    at = np.arange(0, size, stride)
    y, x = (each.ravel() for each in np.meshgrid(at, at, indexing="ij"))
    half = side / 2
    return np.stack([x - half, y - half, x + half, y + half], axis=1).astype(float)


def test_every_thing_gets_an_anchor_near_its_middle():
    anchors, boxes = grid(), np.array([[10, 10, 30, 34], [40, 36, 56, 60]], float)
    classes, deltas = assign(boxes, np.array([3, 5]), anchors, [len(anchors)])
    for label, box in zip((3, 5), boxes, strict=True):
        middles = (anchors[classes == label, :2] + anchors[classes == label, 2:]) / 2
        assert len(middles) >= 1
        assert (middles > box[:2]).all() and (middles < box[2:]).all()
    assert set(classes) == {3, 5, BACKGROUND}
    assert not deltas[classes == BACKGROUND].any()


def test_an_empty_scene_is_all_background():
    classes, deltas = assign(np.zeros((0, 4)), np.zeros(0, int), grid(), [64])
    assert set(classes) == {BACKGROUND} and not deltas.any()


def test_deltas_by_hand():
    """A box twice as wide as its anchor and moved right by half of the anchor."""
    deltas = encode(np.array([[0, 0, 40, 20]], float), np.array([[0, 0, 20, 20]], float))
    np.testing.assert_allclose(deltas, [[0.5, 0, np.log(2), 0]], atol=1e-6)


def test_a_mirrored_window_mirrors_the_boxes():
    boxes, labels = through([[10, 20, 30, 60]], np.array([4]), np.array([100.0, 0, 0, 100]), 50)
    np.testing.assert_allclose(boxes, [[35, 10, 45, 30]])
    assert labels.tolist() == [4]


def test_what_a_window_hardly_shows_is_ignored_and_what_it_hides_is_gone():
    boxes = [[0, 0, 20, 20], [35, 0, 65, 20], [10, 0, 60, 20]]
    view = np.array([50.0, 0, 100, 50])
    seen, labels = through(boxes, np.array([1, 2, 3]), view, 50)
    np.testing.assert_allclose(seen, [[0, 0, 15, 20], [0, 0, 10, 20]])
    assert labels.tolist() == [2, IGNORED]


def test_windows_are_square_and_within_or_around_the_scene():
    rng = np.random.default_rng(0)
    for x1, y1, x2, y2 in (window(rng, 100) for _ in range(200)):
        left, right = min(x1, x2), max(x1, x2)
        assert right - left == pytest.approx(y2 - y1) and 69 < y2 - y1 < 136
        inside = left >= 0 and right <= 100
        around = left <= 0 and right >= 100
        assert inside or around


def test_what_is_viewed_is_what_the_boxes_say():
    """A white square, seen through any window, fills the box that `through` gives, and no more."""
    from training.detection.fitting import viewed

    pixels = np.zeros((1, 96, 96, 3), np.uint8)
    pixels[0, 24:56, 32:72] = 255
    rng = np.random.default_rng(1)
    for _ in range(5):
        frame = window(rng, 96)
        (box,), _ = through([[32, 24, 72, 56]], np.array([0]), frame, 96)
        seen = np.asarray(viewed(pixels, frame[None].astype("float32"), 96))[0, :, :, 0] > 0.4
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        shown = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        np.testing.assert_allclose(shown, box, atol=1)


def test_focal_loss_by_hand():
    """One anchor of a class believed at 0.5: 0.25 * 0.5**2 * ln 2; an ignored one costs nothing."""
    from training.detection.fitting import focal_loss

    logits = np.array([[[0.0], [0.0]]], "float32")
    loss = focal_loss(logits, np.array([[0, IGNORED]], "int32"))
    assert float(loss) == pytest.approx(0.25 * 0.25 * np.log(2), rel=1e-5)
    loss = focal_loss(logits, np.array([[BACKGROUND, IGNORED]], "int32"))
    assert float(loss) == pytest.approx(0.75 * 0.25 * np.log(2), rel=1e-5)


def test_box_loss_by_hand():
    """Off by 1 in one of four: 1 - 1/18; anchors without an object cost nothing."""
    from training.detection.fitting import box_loss

    deltas = np.array([[[1.0, 0, 0, 0], [9, 9, 9, 9]]], "float32")
    loss = box_loss(deltas, np.zeros_like(deltas), np.array([[0, BACKGROUND]], "int32"))
    assert float(loss) == pytest.approx(1 - 1 / 18)


@pytest.mark.parametrize(
    ("done", "seconds", "expected"),
    [
        pytest.param(0, 0, 0.0, id="at the start"),
        pytest.param(50, 10, 0.5, id="by steps"),
        pytest.param(50, 90, 0.75, id="by the clock"),
        pytest.param(50, 999, 1.0, id="out of time"),
        pytest.param(100, 10, 1.0, id="done"),
    ],
)
def test_a_stage_ends_by_steps_or_by_the_clock(done, seconds, expected):
    from training.detection.fitting import Stage

    stage = Stage(steps=100, batch=1, rate=0.1, minutes=2)
    assert stage.progress(done, seconds) == expected
    assert 0 <= stage.rate_at(expected) <= 0.1
    assert stage.rate_at(1.0) == 0


def test_a_stage_goes_on_where_it_was_cut_off(tmp_path):
    """Two steps, then the rest in a fresh process's stead, end where an uncut stage ends."""
    import keras
    from keras import ops

    from training.detection.fitting import Stage, minimise

    def batch(number):
        return (np.full((1, 1), number + 1, "float32"),)

    def run(path, steps, schedule=5):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "linear", False)])
        model.layers[-1].kernel.assign([[3.0]])
        stage = Cut(schedule, 1, 0.1, 10)
        Cut.steps_at_most = steps
        done, _ = minimise(lambda net, x: ops.sum(net(x) ** 2), model, batch, stage, path)
        return done, float(model.layers[-1].kernel[0, 0])

    class Cut(Stage):
        def progress(self, done, seconds):
            return 1.0 if done >= self.steps_at_most else done / self.steps

    uncut = run(tmp_path / "uncut.npz", 5)
    assert run(tmp_path / "cut.npz", 2)[0] == 2
    assert run(tmp_path / "cut.npz", 5) == (5, pytest.approx(uncut[1], abs=1e-6))
    assert uncut[1] < 2.9
    kept = (tmp_path / "cut.npz").read_bytes()
    run(tmp_path / "cut.npz", 5)
    assert (tmp_path / "cut.npz").read_bytes() == kept, "a finished stage is left alone"
