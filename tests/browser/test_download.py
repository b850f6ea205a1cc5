"""What a visitor does to use a published checkpoint: choose, download, cancel, run."""

import pytest
from playwright.sync_api import expect

from models import catalog
from tests import hub_server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PATIENCE = 60_000  # milliseconds
ROW = catalog.get("bert_tiny_en_uncased_sst2")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A hub with a narrowed preset of the row."""
    from models import runtime

    runtime.start()
    from tests import published_presets

    repos = published_presets.save(ROW, tmp_path_factory.mktemp("hub"))
    with hub_server.running(repos) as running:
        yield running


@pytest.fixture(scope="module")
def address(served, start_app, tmp_path_factory):
    """The app with nothing downloaded, that reaches the hub."""
    home = tmp_path_factory.mktemp("home")
    folders = {"XDG_CACHE_HOME": str(home), "HF_HOME": str(home), "KAGGLEHUB_CACHE": str(home)}
    with start_app(HF_ENDPOINT=served.url, **folders) as url:
        yield url


@pytest.fixture
def tab(browser, address):
    """The Sentiment tab on a page of its own."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.get_by_role("tab", name="Sentiment").click()
    yield page
    page.close()


def choose(page, row=ROW):
    page.get_by_role("tabpanel").locator("visible=true").get_by_label("Model").click()
    page.get_by_role("option", name=row.title).click()


def test_choose_cancel_download_and_run(tab, served):
    panel = tab.locator("[role=tabpanel]:visible")
    choose(tab)
    panel.get_by_text("Not on this machine yet").wait_for(timeout=PATIENCE)
    assert panel.get_by_text("17.5 MB to download from Hugging Face").is_visible()

    served.status = 500
    panel.get_by_role("button", name="Download").click()
    tab.get_by_text("answers with error 500").first.wait_for(timeout=PATIENCE)
    served.status = None

    served.seconds = 3.0
    panel.get_by_role("button", name="Download").click()
    panel.get_by_text(" of ").filter(has_text="MB").first.wait_for(timeout=PATIENCE)
    panel.get_by_role("button", name="Cancel").click()
    panel.get_by_text("Stopped. What has come is kept.").wait_for(timeout=PATIENCE)

    served.seconds = 0.0
    panel.get_by_role("button", name="Download").click()
    panel.get_by_text("Not on this machine yet").wait_for(state="hidden", timeout=PATIENCE)
    panel.get_by_label("Model").click()
    tab.get_by_role("option", name="on this machine").wait_for(timeout=PATIENCE)
    tab.keyboard.press("Escape")

    panel.get_by_role("textbox").first.fill("a good film")
    panel.get_by_role("button", name="Score", exact=True).click()
    panel.locator(".receipt").get_by_text(ROW.title).wait_for(timeout=PATIENCE)


def test_a_model_that_draws_brings_its_own_guidance(tab):
    tab.get_by_role("tab", name="Text to image").click()
    tab.get_by_role("button", name="Settings").locator("visible=true").click()
    guidance = tab.get_by_label("number input for Guidance")
    expect(guidance).to_have_value("4")
    choose(tab, catalog.get("stable_diffusion_1.4"))
    expect(guidance).to_have_value("7.5", timeout=PATIENCE)
