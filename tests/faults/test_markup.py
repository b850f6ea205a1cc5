"""Markup that a visitor types or names a file by is shown as text in every tab."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.fault]
PATIENCE = 90_000  # milliseconds
MARKUP = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script><b id=bold>fox</b>'
TITLE = "<img src=x onerror=window.hacked=1>"


def opened(page, title):
    """Open a tab."""
    page.get_by_role("tab", name=title).click()
    return page


def unharmed(page):
    """Whether nothing of MARKUP became part of the page."""
    page.wait_for_timeout(300)
    return page.evaluate("window.hacked === undefined && !document.querySelector('#bold')")


def upload(tab, *paths):
    tab.locator("[role=tabpanel]:visible input[type=file]").first.set_input_files(paths)


def test_10_in_a_text_and_in_lines(page):
    tab = opened(page, "Sentiment")
    words = tab.get_by_label("Your text").locator("visible=true")
    words.fill(MARKUP)
    tab.locator(".receipt-line:visible").wait_for(timeout=PATIENCE)
    assert unharmed(page)
    tab.get_by_label("One text per line").check()
    words.fill(f"{MARKUP}\n[a](javascript:alert(1))\n=1+1")
    tab.get_by_role("button", name="Score every line").click()
    tab.get_by_text("of 3 sound positive").wait_for(timeout=PATIENCE)
    assert unharmed(page)


def test_10_in_a_beginning_and_its_code(page):
    tab = opened(page, "Generate")
    tab.get_by_label("Your beginning").fill(MARKUP)
    tab.get_by_role("button", name="Write", exact=True).click()
    tab.locator(".receipt-line:visible").wait_for(timeout=PATIENCE)
    assert unharmed(page)
    assert "<b id=bold>fox</b>" in tab.locator("#story").inner_text()


def test_10_in_a_prompt_and_what_is_said_of_it(page):
    tab = opened(page, "Text to image")
    tab.get_by_label("Your picture in words").fill(MARKUP)
    tab.get_by_role("button", name="Draw", exact=True).click()
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    assert unharmed(page)


def test_10_in_the_names_of_pictures(page, picture):
    tab = opened(page, "Augment")
    upload(tab, picture(f"{TITLE}.png", seed=1), picture("b.png", seed=2))
    tab.locator("#variants .caption-label").first.wait_for(timeout=PATIENCE)
    assert unharmed(page)
    tab.get_by_role("button", name="Settings").locator("visible=true").click()
    names = tab.get_by_label("Names of the pictures")
    names.fill(f"{TITLE}, <b id=bold>b</b>")
    names.press("Enter")
    tab.locator("#variants .caption-label", has_text="bold").first.wait_for(timeout=PATIENCE)
    assert unharmed(page)


@pytest.mark.parametrize("title", ["Classify", "Detect", "Caption"])
def test_10_in_the_name_of_a_picture(page, picture, title):
    tab = opened(page, title)
    upload(tab, picture(f"{TITLE}.png"))
    tab.locator(".receipt-line:visible").wait_for(timeout=PATIENCE)
    assert unharmed(page)


def test_10_in_an_error(page, tmp_path):
    tab = opened(page, "Classify")
    path = tmp_path / f"{TITLE}.png"
    path.write_text(MARKUP)
    upload(tab, path)
    tab.get_by_text("not an image that can be read").first.wait_for(timeout=PATIENCE)
    assert unharmed(page)
