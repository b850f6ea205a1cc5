"""What a visitor does in the tab that writes."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds; the first run may have to wait for Keras
MINE = "A hedgehog named Wanda"


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Generate").click()
    return page.locator("[role=tabpanel]:visible")


def write(tab, text):
    tab.get_by_label("Your beginning").fill(text)
    button(tab, "Write").click()


def button(tab, name):
    return tab.get_by_role("button", name=name, exact=True)


def finished(tab):
    """Wait until Continue can be pressed; gives the text."""
    tab.locator("button:enabled", has_text="Continue").wait_for(timeout=PATIENCE)
    return tab.locator("#story p").inner_text()


def set_length(tab, tokens):
    """Set the length in the settings, once they have opened: a number filled in before is lost."""
    tab.get_by_text("Settings", exact=True).click()
    number = tab.get_by_label("number input for Length")
    number.wait_for()
    number.page.wait_for_timeout(1000)
    number.fill(str(tokens))
    number.press("Tab")
    expect(number).to_have_value(str(tokens))


def test_write_then_continue(page, tab):
    set_length(tab, 15)
    write(tab, MINE)
    first = finished(tab)
    assert first.startswith(MINE) and len(first) > len(MINE) + 10
    assert tab.locator("#story mark").inner_text() == MINE
    tab.locator(".receipt").get_by_text("tokens").wait_for(timeout=PATIENCE)

    button(tab, "Continue").click()
    page.wait_for_function(
        "before => document.querySelector('#story p').innerText.length > before",
        arg=len(first) + 5,
        timeout=PATIENCE,
    )
    assert finished(tab).startswith(first)
    assert tab.locator("#story mark").inner_text() == MINE


def test_stop_keeps_what_is_there(page, tab):
    tab.get_by_text("ROMEO:").click()
    tab.get_by_text("manner, not the meaning").wait_for(timeout=PATIENCE)
    set_length(tab, 1000)
    button(tab, "Write").click()
    tab.locator("#story span").nth(3).wait_for(timeout=PATIENCE)
    button(tab, "Stop").click(timeout=PATIENCE)
    finished(tab)
    page.wait_for_timeout(1000)  # for what was on its way
    text = finished(tab)
    assert text.startswith("ROMEO:") and len(text) < 3000
    page.wait_for_timeout(1500)
    assert finished(tab) == text


def test_each_sampler_shows_its_own_settings(page, tab):
    tab.get_by_text("Settings", exact=True).click()
    shown = tab.get_by_label("number input for Temperature")
    shown.wait_for()
    tab.get_by_label("Sampler").click()
    page.get_by_role("option", name="Greedy").click()
    shown.wait_for(state="hidden")
    tab.get_by_label("Sampler").click()
    page.get_by_role("option", name="Beam").click()
    tab.get_by_label("number input for Beams").wait_for()


def test_the_first_click_writes_something(tab):
    button(tab, "Write").click()
    assert finished(tab).startswith("Once upon a time, a fox ")


def test_an_empty_prompt_is_explained(page, tab):
    write(tab, "   ")
    page.get_by_text("is empty").first.wait_for(timeout=PATIENCE)
    write_again = tab.get_by_role("button", name="Write", exact=True)
    expect(write_again).to_be_enabled(timeout=PATIENCE)
    expect(tab.get_by_role("button", name="Continue")).to_be_disabled()
