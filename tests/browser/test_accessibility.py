"""What axe finds in each tab, and that the keyboard alone gets to a result."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tabs import TABS
from tests.faults.conftest import warmed

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
    assert len(faults) == len(TABS) and not any(faults.values()), faults


def test_axe_finds_no_serious_fault_after_a_lesson(page):
    """Nor does what holds pictures keep the keyboard from adding some."""
    opened(page, "Fine-tune")
    page.get_by_role("button", name="Try cats and dogs").click()
    page.locator("#curves").get_by_text("pictures held out").wait_for(timeout=PATIENCE)
    page.get_by_label("Example: cat-7").click()
    page.locator(".big-label:visible h2").get_by_text("cat").wait_for(timeout=PATIENCE)
    page.wait_for_timeout(700)
    assert not serious(page)
    with page.expect_file_chooser():
        page.locator(".class").first.get_by_label("Click to upload or drop files").press("Enter")


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


# A phone, and a screen of 1280 pixels at 200 %: a browser halves what the page sees of it.
SMALL = {
    "360 pixels": {"viewport": {"width": 360, "height": 740}},
    "200 %": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
}
CUT_OFF = """width => {
    const scrolled = each => {
        for (let node = each.parentElement; node; node = node.parentElement)
            if (/auto|scroll/.test(getComputedStyle(node).overflowX)) return true;
        return false;
    };
    const beyond = box => box.right > width + 1 || box.left < -1;
    return [...document.querySelectorAll("button:not([tabindex='-1']), input, textarea, p, label")]
        .filter(each => each.checkVisibility({visibilityProperty: true}))
        .filter(each => beyond(each.getBoundingClientRect()) && !scrolled(each))
        .map(each => each.outerHTML.slice(0, 120));
}"""


def opened(page, title):
    """Open a tab, by the menu where the bar has no room for it."""
    tab = page.get_by_role("tab", name=title, exact=True)
    if not tab.is_visible():
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button", has_text=title).click()
    else:
        tab.click()


@pytest.mark.parametrize("screen", SMALL.values(), ids=SMALL)
def test_a_small_screen_shows_all_of_it(browser, app_url, screen):
    page, width = browser.new_page(**screen), screen["viewport"]["width"]
    page.goto(app_url)
    page.get_by_role("tab").first.wait_for(timeout=PATIENCE)
    for tab in TABS:
        opened(page, tab.TITLE)
        expect(page.get_by_text(tab.LEAD)).to_be_visible()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab.TITLE
        assert not page.evaluate(CUT_OFF, width), tab.TITLE
    opened(page, "Sentiment")
    page.get_by_label("Your text").locator("visible=true").fill("What a wonderful day")
    answer = page.locator(".big-label:visible .output-class", has_text="positive")
    answer.wait_for(timeout=PATIENCE)
    assert answer.bounding_box()["x"] + answer.bounding_box()["width"] <= width
    page.close()


MOVING = """() => { window.moving = []; setInterval(() => window.moving.push(
    ...document.getAnimations().filter(each => each.playState === "running"
        && each.effect.getComputedTiming().activeDuration > 1)
    .map(each => (each.animationName || each.transitionProperty) + " of "
        + each.effect.target.outerHTML.slice(0, 100))), 20); }"""


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_nothing_moves_for_those_who_ask_for_no_motion(browser, app_url, motion):
    """While tabs open, a text is scored and a picture is drawn; for the others something does."""
    warmed(app_url)
    page = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion=motion)
    page.goto(app_url)
    page.get_by_role("tab").first.wait_for(timeout=PATIENCE)
    page.evaluate(MOVING)
    for tab in TABS:
        opened(page, tab.TITLE)
        page.wait_for_timeout(100)
    opened(page, "Sentiment")
    page.get_by_label("Your text").locator("visible=true").fill("What a wonderful day")
    page.locator(".big-label:visible .output-class").wait_for(timeout=PATIENCE)
    opened(page, "Text to image")
    page.get_by_role("button", name="Settings").locator("visible=true").click()
    page.get_by_label("Your picture in words").fill("a dog")
    page.get_by_role("button", name="Draw", exact=True).click()
    page.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    moved = set(page.evaluate("window.moving"))
    page.close()
    assert bool(moved) is (motion == "no-preference"), moved
