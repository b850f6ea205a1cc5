"""What axe finds in each tab, and that the keyboard alone gets to a result."""

import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.fault]
PATIENCE = 60_000  # milliseconds
# Colours of code are mended with a filter, which axe does not see.
OPTIONS = {"exclude": [[".cm-content"]]}


def serious(page):
    """What axe calls serious or critical on the page as it is."""
    found = Axe().run(page, context=OPTIONS).response["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in SERIOUS]


SERIOUS = ("serious", "critical")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_in_any_tab(browser, app_url, scheme):
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.goto(app_url)
    tabs = page.get_by_role("tab").locator("visible=true")
    tabs.first.wait_for(timeout=PATIENCE)
    faults = {}
    for tab in tabs.all():
        tab.click()
        page.wait_for_timeout(700)  # for pictures and names to come
        faults[tab.inner_text()] = serious(page)
    page.close()
    assert len(faults) == 7 and not any(faults.values()), faults


def test_the_keyboard_alone_gets_to_a_result(page):
    page.get_by_role("tab", name="Sentiment").focus()
    page.keyboard.press("Enter")
    words = page.get_by_label("Your text").locator("visible=true")
    words.wait_for(timeout=PATIENCE)
    for _ in range(30):
        page.keyboard.press("Tab")
        if words.evaluate("each => each === document.activeElement"):
            break
    page.keyboard.type("What a wonderful day")
    page.locator(".big-label:visible .output-class", has_text="positive").wait_for(timeout=PATIENCE)
