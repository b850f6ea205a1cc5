"""What a visitor does in the tab that classifies."""

from pathlib import Path

import pytest
from PIL import Image, ImageOps

pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
PATIENCE = 60_000  # milliseconds; the first run may have to wait for Keras


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Classify").click()
    return page.locator("[role=tabpanel]:visible")


def upload(tab, path):
    tab.locator("input[type=file]").first.set_input_files(path)


def choose(page, tab, title):
    tab.get_by_label("Model").click()
    page.get_by_role("option", name=title).click()


def test_upload_read_the_answer_change_the_model(page, tab, tmp_path):
    path = tmp_path / "own.png"
    ImageOps.mirror(Image.open(EXAMPLES / "sunflower.jpg")).save(path)
    choose(page, tab, "drawings")
    tab.get_by_text("68 things").first.wait_for(timeout=PATIENCE)
    upload(tab, path)
    answer = tab.locator(".big-label")
    answer.get_by_text("sunflower").first.wait_for(timeout=PATIENCE)
    assert "drawings" in tab.locator(".block.receipt").inner_text()

    choose(page, tab, "photos of 10 kinds")
    tab.locator(".block.receipt").get_by_text("photos of 10 kinds").wait_for(timeout=PATIENCE)
    assert len(tab.locator(".big-label").get_by_text("%").all()) == 5


def test_a_text_file_called_png_is_explained(page, tab, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    upload(tab, path)
    page.get_by_text("not an image").first.wait_for(timeout=PATIENCE)


def test_an_example_goes_to_the_model_of_drawings_alone(page, tab):
    asked = []
    page.on("request", lambda sent: "queue/join" in sent.url and asked.append(sent.post_data_json))
    tab.get_by_label("Example: elephant").click()
    tab.locator(".big-label").get_by_text("elephant").first.wait_for(timeout=PATIENCE)
    models = {sent["data"][1] for sent in asked if len(sent["data"]) == 3}
    assert models == {"efficientnetv2_picture_book"}, "no model of photos answers in between"
