"""How long a visitor waits in a browser, from choosing a picture to the result on the page.

Knows no model. Needs what the browser tests need: playwright and Chromium.
"""

import importlib.util
import shutil

import numpy as np

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
ROUNDS = 10  # uploads in each tab, after one that is not counted
WAIT = 60_000  # milliseconds
# A result is there once its receipt is and its picture, if it has one, is drawn.
_BEGIN = """() => document.addEventListener(
    "change", event => { window.began ??= performance.now() }, { capture: true })"""
_END = """() => {
    const panel = [...document.querySelectorAll("[role=tabpanel]")].find(each => each.offsetParent)
    const told = panel.querySelector(".receipt")?.innerText.trim()
    const waits = [...panel.querySelectorAll("#drawn img")].some(each => !each.complete)
    return window.began && told && !waits ? performance.now() - window.began : 0
}"""


def able():
    """Whether there is a browser to measure with."""
    return bool(CHROMIUM and importlib.util.find_spec("playwright"))


def latencies(address, picture, tabs=("Classify", "Detect")):
    """Upload a picture in tabs of a running app, each time on a page that was just opened.

    Args:
        address: str, of the app.
        picture: Path of an image.
        tabs: titles of the tabs.

    Returns:
        dict of a tab's title to milliseconds from the choice of the file to the result: `median_ms`
        and `p95_ms`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        found = {}
        for tab in tabs:
            spent = [_upload(browser, address, tab, picture) for _ in range(1 + ROUNDS)][1:]
            found[tab] = {
                "median_ms": round(float(np.median(spent))),
                "p95_ms": round(float(np.percentile(spent, 95))),
            }
        browser.close()
    return found


def _upload(browser, address, tab, picture):
    page = browser.new_page()
    page.goto(address)
    page.get_by_role("tab", name=tab).click()
    page.evaluate(_BEGIN)
    page.locator("[role=tabpanel]:visible input[type=file]").first.set_input_files(picture)
    spent = page.wait_for_function(_END, polling="raf", timeout=WAIT).json_value()
    page.close()
    return spent
