"""The picture-book world: scenes are repeatable, their boxes and captions true.

Needs the emoji font; skips where it is missing.
"""

import numpy as np
import pytest

from training import picture_book
from training.picture_book import captions
from training.picture_book.captions import plural
from training.picture_book.glyphs import glyph, turned

pytestmark = pytest.mark.skipif(
    not picture_book.FONT.exists(),
    reason="needs the Debian package fonts-noto-color-emoji, which draws the picture-book world",
)


@pytest.fixture(scope="module")
def drawn():
    return [picture_book.scene(seed, 96) for seed in range(40)]


def test_the_world_has_68_classes_and_ten_settings():
    assert len(picture_book.CLASSES) == len(set(picture_book.CLASSES)) == 68
    assert picture_book.CLASSES[0] == "dog" and picture_book.CLASSES[-1] == "cloud"
    assert len(picture_book.SETTINGS) == 10


@pytest.mark.parametrize("label", range(0, 68, 9))
def test_a_glyph_is_cropped_to_its_drawing(label):
    alpha = np.asarray(glyph(label))[..., 3]
    assert max(alpha.shape) > 80
    assert alpha[0].any() and alpha[-1].any() and alpha[:, 0].any() and alpha[:, -1].any()


def test_a_glyph_turned_by_a_right_angle_swaps_its_sides():
    tree = picture_book.CLASSES.index("airplane")
    upright, lying = (turned(tree, 60, degrees)[..., 3] > 0.5 for degrees in (0, 90))
    assert abs(int(upright.sum()) - int(lying.sum())) < 0.05 * upright.sum()
    assert np.abs(np.rot90(upright, -1).mean() - lying.mean()) < 0.02


def test_the_same_seed_draws_the_same_scene():
    first, second = (picture_book.scene(11, 96, degraded=1.0) for _ in range(2))
    assert (first.image == second.image).all() and (first.boxes == second.boxes).all()
    assert (first.image != picture_book.scene(12, 96, degraded=1.0).image).any()


def test_boxes_lie_inside_and_have_an_area(drawn):
    for scene in drawn:
        assert 1 <= len(scene.labels) == len(scene.boxes) <= picture_book.MOST
        assert (scene.boxes >= 0).all() and (scene.boxes <= 96).all()
        assert (scene.boxes[:, 2:] - scene.boxes[:, :2] >= 3).all()


def test_a_box_holds_all_that_a_thing_changed():
    """A red apple alone on plain ground: outside its box no pixel is like an apple's red."""
    for seed in range(8):
        scene = picture_book.scene(seed, 96, setting="snow", classes=["apple"], smallest=0.4)
        x1, y1, x2, y2 = scene.boxes[0].astype(int)
        red = (scene.image[..., 0] > 190) & (scene.image[..., 1:].max(-1) < 110)
        assert red[y1:y2, x1:x2].mean() > 0.3
        red[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1] = False
        assert not red.any()


def test_a_scene_is_never_empty():
    """A thing alone that found no place was once left out, and captions had nothing to say."""
    for seed in range(400):
        assert len(picture_book.scene(seed, 32, objects=1, smallest=0.8).labels) == 1


def test_asked_for_classes_setting_and_sizes_are_there():
    scene = picture_book.scene(3, 96, setting="beach", classes=["dog", 1], largest=0.3)
    assert sorted(scene.names) == ["cat", "dog"] and scene.setting == "beach"
    assert max(scene.sizes) < 0.45  # turning a thing makes its box larger than its side
    assert picture_book.scene(3, (96, 64), plain=True).image.shape == (64, 96, 3)
    with pytest.raises(ValueError, match="choose one of meadow"):
        picture_book.scene(0, 32, setting="moor")


def test_relations_are_true_of_the_boxes(drawn):
    told = 0
    for scene in drawn:
        names = scene.names
        for first, relation, second in scene.relations:
            if names.count(first) == names.count(second) == 1:
                a, b = scene.boxes[names.index(first)], scene.boxes[names.index(second)]
                told += 1
                if relation == "left of":
                    assert a[0] + a[2] < b[0] + b[2]
                elif relation == "above":
                    assert a[1] + a[3] < b[1] + b[3]
                else:
                    assert names.index(first) > names.index(second)
    assert told > 40


def test_captions_name_only_what_is_there(drawn):
    for seed, scene in enumerate(drawn):
        for caption in scene.captions(np.random.default_rng(seed), 6):
            assert picture_book.named(caption)
            assert set(picture_book.named(caption)) <= set(scene.names), caption


def test_complete_captions_name_everything(drawn):
    for seed, scene in enumerate(drawn):
        for caption in scene.captions(np.random.default_rng(seed), 4, complete=True):
            assert set(picture_book.named(caption)) == set(scene.names), caption


@pytest.mark.parametrize("name", picture_book.CLASSES)
def test_singular_and_plural_are_read_back(name):
    assert picture_book.named(f"a picture of a {name} in the snow") == [name]
    assert picture_book.named(f"Three {plural(name)} on a beach") == [name]


@pytest.mark.parametrize(
    ("caption", "names"),
    [
        pytest.param("a sunflower under the sun", ["sunflower", "sun"], id="a word in a word"),
        pytest.param("snow in a starry city", [], id="nothing named"),
        pytest.param(
            "two mice and balls left of a balloon", ["mouse", "ball", "balloon"], id="many"
        ),
        pytest.param("three cups of coffee over a coffee", ["coffee"], id="named once"),
    ],
)
def test_named(caption, names):
    assert picture_book.named(caption) == names


def test_a_dataset_is_drawn_once_and_read_back(tmp_path, monkeypatch):
    first = picture_book.dataset(5, 48, 100, tmp_path, captions=2)
    monkeypatch.setattr(picture_book, "scenes", lambda *_, **__: pytest.fail("drawn again"))
    second = picture_book.dataset(5, 48, 100, tmp_path, captions=2)
    assert (first["images"] == second["images"]).all() and first["captions"] == second["captions"]
    assert first["images"].shape == (5, 48, 48, 3) and first["boxes"].shape == (5, 6, 4)
    scene = picture_book.scene(102, 48)
    assert first["labels"][2][: len(scene.labels)].tolist() == scene.labels.tolist()
    assert (first["labels"][2][len(scene.labels) :] == -1).all()
    assert len(first["captions"][0]) == 2 and first["settings"][2] == scene.setting


def test_scenes_drawn_in_processes_are_the_same():
    drawn = list(picture_book.scenes(range(31), 32, workers=2))
    assert len(drawn) == 31
    assert all((drawn[at].image == picture_book.scene(at, 32).image).all() for at in range(31))


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_worker_that_fails_is_reported():
    with pytest.raises(RuntimeError, match="ended early"):
        list(picture_book.scenes(range(4), 32, workers=2, setting="moor"))


def test_what_captions_claim_is_true_of_their_scenes():
    related = counted = 0
    for seed in range(150):
        drawn = picture_book.scene(seed, 96)
        for caption in drawn.captions(np.random.default_rng(seed), 4, complete=True):
            for claim in captions.claims(caption):
                assert captions.holds(claim, drawn.names, drawn.boxes), (caption, claim)
                related, counted = related + (len(claim) == 3), counted + (len(claim) == 2)
    assert related > 50 and counted > 50


def test_claims_of_a_caption_and_their_opposites():
    said = "a red car to the left of two dogs, with a small cat behind an owl in the city"
    assert captions.claims(said) == [
        ("car", "left of", "dog"),
        ("cat", "behind", "owl"),
        ("dog", 2),
    ]
    names, boxes = ["dog", "car", "dog"], [[50, 0, 60, 10], [0, 0, 10, 10], [70, 0, 80, 10]]
    assert captions.holds(("car", "left of", "dog"), names, boxes)
    assert not captions.holds(("car", "right of", "dog"), names, boxes)
    assert captions.holds(("dog", 2), names, boxes) and not captions.holds(("dog", 3), names, boxes)
