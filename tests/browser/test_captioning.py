"""What a visitor does in the tab that captions."""

from pathlib import Path

import pytest
from PIL import Image, ImageOps

pytestmark = pytest.mark.browser
EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
PATIENCE = 60_000  # milliseconds; the first run may have to wait for Keras


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Caption").click()
    return page.locator("[role=tabpanel]:visible")


def said(tab):
    return tab.locator(".captions .said").all_inner_texts()


def test_upload_read_five_captions_draw_others(page, tab, tmp_path):
    path = tmp_path / "own.png"
    ImageOps.mirror(Image.open(EXAMPLES / "sea.jpg")).save(path)
    tab.locator("input[type=file]").first.set_input_files(path)
    tab.locator(".captions .said").nth(4).wait_for(timeout=PATIENCE)
    first = said(tab)
    assert len(set(first)) == 5
    assert {"sailboat", "whale", "cloud"} & set(" ".join(first).lower().replace(",", "").split())

    tab.get_by_role("button", name="Caption", exact=True).click()
    page.wait_for_function(
        "old => [...document.querySelectorAll('.captions .said')]"
        ".map(each => each.innerText).join() !== old.join()",
        arg=first,
        timeout=PATIENCE,
    )
    assert len(said(tab)) == 5

    tab.get_by_role("button", name="Settings").click()
    tab.get_by_label("Always the likeliest word").check()
    tab.locator(".captions .said").nth(1).wait_for(state="detached", timeout=PATIENCE)
    assert len(said(tab)) == 1


def test_a_text_file_called_png_is_explained(page, tab, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    tab.locator("input[type=file]").first.set_input_files(path)
    page.get_by_text("not an image").first.wait_for(timeout=PATIENCE)


def test_without_a_picture_it_is_explained_and_what_stood_there_stays(page, tab):
    tab.locator("button.gallery-item").first.click()
    tab.locator(".captions .said").first.wait_for(timeout=PATIENCE)
    tab.get_by_label("Clear").or_(tab.get_by_label("Remove Image")).first.click()
    tab.get_by_role("button", name="Caption", exact=True).click()
    page.get_by_text("There is no image yet").first.wait_for(timeout=PATIENCE)
    assert tab.get_by_text("Error", exact=True).locator("visible=true").count() == 1
    assert tab.locator(".captions .said").first.is_visible()
