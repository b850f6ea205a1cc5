"""What a visitor does in the tab of sentiment."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds; the first run may have to wait for Keras


@pytest.fixture
def tab(page):
    """The page, with the tab open."""
    page.get_by_role("tab", name="Sentiment").click()
    words(page).wait_for(timeout=PATIENCE)
    return page


def words(tab):
    return tab.get_by_label("Your text").locator("visible=true")


def verdict(tab, text):
    return tab.locator(".big-label:visible .output-class", has_text=text)


def button(tab, name):
    return tab.get_by_role("button", name=name, exact=True).locator("visible=true")


def test_the_verdict_follows_the_words_typed(tab):
    words(tab).fill("The children loved this wonderful zoo")
    verdict(tab, "positive").wait_for(timeout=PATIENCE)
    words(tab).fill("This zoo is dirty, sad and much too expensive")
    verdict(tab, "negative").wait_for(timeout=PATIENCE)


def test_lines_are_scored_and_downloaded(tab):
    tab.get_by_label("One text per line").check()
    words(tab).fill("A lovely garden\nThe tea was awful\n\nI am so happy here")
    button(tab, "Score every line").click()
    tab.get_by_text("2 of 3 sound positive").wait_for(timeout=PATIENCE)
    with tab.expect_download(timeout=PATIENCE) as download:
        button(tab, "Download CSV").click()
    assert download.value.suggested_filename == "sentiment.csv"
    assert "The tea was awful" in Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_no_text_is_explained(tab):
    button(tab, "Score").click()
    tab.get_by_text("The text is empty").first.wait_for(timeout=PATIENCE)
