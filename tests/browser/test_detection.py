"""What a visitor does in the tab that detects."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
PATIENCE = 60_000  # milliseconds; the first run may have to wait for Keras


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Detect").click()
    return page


def upload(tab, path):
    tab.locator("[role=tabpanel]:visible input[type=file]").first.set_input_files(path)


def rows(tab):
    return tab.locator("#detections tbody tr").filter(has_text=",")


def test_upload_detect_filter_and_download(tab, tmp_path):
    path = tmp_path / "own.png"
    ImageOps.mirror(Image.open(EXAMPLES / "city.jpg")).save(path)
    upload(tab, path)
    tab.locator("#drawn img").wait_for(timeout=PATIENCE)
    sentence = tab.locator("#found .lead")
    assert len({"car", "bus", "bicycle", "airplane"} & set(sentence.inner_text().split(", "))) >= 3
    before = rows(tab).count()
    assert before >= 3

    slider = tab.get_by_label("number input for Confidence")
    slider.fill("1")
    slider.press("Enter")
    tab.get_by_text("Nothing is that sure").wait_for(timeout=PATIENCE)
    slider.fill("0.3")
    slider.press("Enter")
    tab.locator("#found").get_by_text("car").wait_for(timeout=PATIENCE)

    tab.get_by_role("button", name="As JSON").locator("visible=true").click()
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download JSON").click()
    found = json.loads(Path(download.value.path()).read_text())
    assert {"label", "score", "box"} == set(found[0])
    assert download.value.suggested_filename == "detections.json"


def test_a_text_file_called_png_is_explained(tab, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    upload(tab, path)
    tab.get_by_text("not an image").first.wait_for(timeout=PATIENCE)
