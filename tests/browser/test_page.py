"""The page as a whole: eight tabs, a status that fills, no sideways scrolling."""

import re

import pytest
from playwright.sync_api import expect

from tabs import TABS

pytestmark = pytest.mark.browser


def test_every_tab_opens_and_says_what_it_is_for(page):
    for tab in TABS:
        page.get_by_role("tab", name=tab.TITLE, exact=True).click()
        expect(page.get_by_text(tab.LEAD)).to_be_visible()


def test_the_status_names_the_device_and_lists_what_is_loaded(page):
    headline = page.get_by_role("button", name=re.compile("Runs on .* models in memory"))
    headline.wait_for(timeout=60_000)
    headline.click()
    expect(page.get_by_text("of weights in memory")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Loaded in")).to_be_visible(timeout=60_000)
    first = page.get_by_role("cell", name=re.compile("(OpenVINO|TensorFlow) in (b?float|mixed)"))
    expect(first.first).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("width", [1280, 390, 360])
def test_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_model_card_follows_the_picked_model(page):
    panel = page.get_by_role("tabpanel").filter(visible=True)
    panel.get_by_role("button", name=re.compile("Model card")).click()
    card = panel.locator(".block.model-card")
    expect(card).to_contain_text("python -m training.efficientnetv2_caltech101")
    panel.get_by_label("Model").click()
    page.get_by_role("option", name=re.compile("^ResNet")).click()
    expect(card).to_contain_text("python -m training.resnet_cifar10")


@pytest.mark.parametrize("tab", ["Classify", "Text to image", "Caption"])
def test_the_picture_in_a_model_card_is_seen(page, tab):
    """Markdown's own link to the file beside the card led nowhere."""
    page.get_by_role("tab", name=tab, exact=True).click()
    panel = page.get_by_role("tabpanel").filter(visible=True)
    panel.get_by_role("button", name=re.compile("Model card")).click()
    sheet = panel.locator(".model-card ~ .block img")
    expect(sheet).to_be_visible()
    assert sheet.evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 500
    expect(panel.locator(".model-card img")).to_have_count(0)
