"""What a visitor does in the tab of sentiment."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds; the first run may have to wait for Keras


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Sentiment").click()
    return page.get_by_role("tabpanel", name="Sentiment")


def test_the_verdict_follows_the_words_typed(tab):
    words, verdict = tab.get_by_label("Your text"), tab.locator(".big-label")
    words.fill("The children loved this wonderful zoo")
    verdict.get_by_role("heading", name="positive").or_(
        verdict.locator(".output-class", has_text="positive")
    ).first.wait_for(timeout=PATIENCE)
    words.fill("This zoo is dirty, sad and much too expensive")
    verdict.locator(".output-class", has_text="negative").first.wait_for(timeout=PATIENCE)


def test_lines_are_scored_and_downloaded(page, tab):
    tab.get_by_label("One text per line").check()
    tab.get_by_label("Your text").fill("A lovely garden\nThe tea was awful\n\nI am so happy here")
    tab.get_by_role("button", name="Score every line").click()
    tab.get_by_text("2 of 3 sound positive").wait_for(timeout=PATIENCE)
    with page.expect_download() as download:
        tab.get_by_role("link", name="Download CSV").or_(
            tab.get_by_role("button", name="Download CSV")
        ).first.click()
    assert download.value.suggested_filename == "sentiment.csv"
    assert "The tea was awful" in Path(download.value.path()).read_text(encoding="utf-8-sig")


def test_no_text_is_explained(page, tab):
    tab.get_by_role("button", name="Score", exact=True).click()
    page.get_by_text("The text is empty").first.wait_for(timeout=PATIENCE)
