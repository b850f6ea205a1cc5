"""What a visitor does in the tab that fine-tunes."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
PATIENCE = 90_000  # milliseconds; the first lesson may have to wait for Keras


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Fine-tune").click()
    return page.locator("[role=tabpanel]:visible")


def give(tab, place, name, *pictures):
    """Name a class and choose its pictures."""
    tab.get_by_label(f"Class {place}", exact=True).fill(name)
    files = [EXAMPLES / f"{picture}.jpg" for picture in pictures]
    tab.locator(".class").nth(place - 1).locator("input[type=file]").first.set_input_files(files)
    tab.locator(".class").nth(place - 1).locator("img").nth(len(files) - 1).wait_for(
        timeout=PATIENCE
    )


def named(tab, picture, name):
    """Show a new picture and wait for its name."""
    tab.get_by_label(f"Example: {picture}").click()
    tab.locator(".big-label h2").get_by_text(name, exact=True).wait_for(timeout=PATIENCE)


def test_cats_and_dogs_by_one_click(tab):
    tab.get_by_role("button", name="Try cats and dogs").click()
    tab.locator("#lesson").get_by_text("12 pictures named right").wait_for(timeout=PATIENCE)
    tab.locator("#curves").get_by_text("pictures held out").wait_for(timeout=PATIENCE)
    for picture in ("cat-7", "dog-7", "cat-8"):
        named(tab, picture, picture[:3])
    assert "right when held out" in tab.locator(".block.receipt").inner_text()


def test_what_was_taught_is_taken_home(page, tab, tmp_path):
    import keras

    tab.get_by_role("button", name="Try cats and dogs").click()
    named(tab, "dog-7", "dog")
    assert not tab.locator("#kept").is_visible()
    tab.get_by_role("button", name="Keep it as a Keras model").click()
    link = tab.locator("#kept a").first
    link.wait_for(timeout=PATIENCE)
    with page.expect_download() as download:
        link.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    assert path.name == "classifier-cat-dog.keras"
    picture = keras.utils.img_to_array(keras.utils.load_img(EXAMPLES / "dog-7.jpg"))
    shares = keras.saving.load_model(path).predict(picture[None], verbose=0)[0]
    assert shares[1] > 0.8
    tab.get_by_role("button", name="Teach", exact=True).click()
    tab.locator("#kept").wait_for(state="hidden", timeout=PATIENCE)


def test_a_visitors_own_three_classes(page, tab):
    tab.get_by_role("button", name="Add a class").click()
    give(tab, 1, "Katze", "cat-1", "cat-2", "cat-3")
    give(tab, 2, "Hund", "dog-1", "dog-2", "dog-3")
    give(tab, 3, "Ort", "meadow", "beach", "sea")
    tab.get_by_label("Example: dog-8").click()
    tab.get_by_label("Remove Image").or_(tab.get_by_label("Clear")).first.wait_for()
    page.wait_for_timeout(1000)
    assert not tab.locator(".big-label h2").count(), "nothing is named before a lesson"
    tab.get_by_role("button", name="Teach", exact=True).click()
    tab.locator("#lesson").get_by_text("of 9 pictures named right").wait_for(timeout=PATIENCE)
    tab.locator(".big-label h2").get_by_text("Hund").wait_for(timeout=PATIENCE)


def test_what_is_missing_is_said_and_nothing_is_lost(page, tab):
    give(tab, 1, "cat", "cat-1", "cat-2")
    tab.get_by_label("Class 2", exact=True).fill("dog")
    tab.get_by_role("button", name="Teach", exact=True).click()
    page.get_by_text("0 came of 'dog'").first.wait_for(timeout=PATIENCE)
    assert tab.get_by_label("Class 1", exact=True).input_value() == "cat"
    assert tab.locator(".class").first.locator("img").count() >= 2
