"""What a visitor does in the tab that draws."""

import pytest

pytestmark = pytest.mark.browser
PATIENCE = 60_000  # milliseconds; the first run may have to wait for Keras


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Text to image").click()
    return page


def begin(tab, prompt):
    tab.get_by_label("Your picture in words").fill(prompt)
    tab.get_by_role("button", name="Draw", exact=True).click()


def test_draw_and_draw_again_with_the_seed_kept(tab):
    begin(tab, "a cat in the snow")
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    first = tab.locator("#pictures img").get_attribute("src")
    tab.get_by_role("button", name="Settings").locator("visible=true").click()
    tab.get_by_label("Keep this seed").locator("visible=true").check()
    seed = tab.get_by_label("Seed", exact=True).locator("visible=true").input_value()
    begin(tab, "a cat at sea")
    tab.locator("#drawing").get_by_text("Done.").wait_for(state="hidden")
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    assert tab.get_by_text(f"seed {seed}").locator("visible=true").count() == 1
    assert tab.locator("#pictures img").get_attribute("src") != first


def test_change_the_words_and_keep_the_picture(tab):
    assert not tab.get_by_label("Change the words").is_visible(), "there is nothing to change"
    begin(tab, "a dog in a meadow")
    tab.locator("#drawing").get_by_text("Step ").wait_for(timeout=PATIENCE)
    tab.get_by_label("Your picture in words").fill("what comes next")
    words = tab.get_by_label("Change the words, keep the picture")
    words.wait_for(timeout=PATIENCE)
    assert words.input_value() == "a dog in a meadow"
    seed = tab.locator(".receipt-line", has_text="seed").locator("visible=true").inner_text()
    words.fill("a cat in a meadow")
    tab.get_by_role("button", name="Change", exact=True).click()
    tab.locator("#pictures img").nth(1).wait_for(timeout=PATIENCE)
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    captions = [f"a {name} in a meadow" for name in ("dog", "cat")]
    assert tab.locator("#pictures .caption-label").all_inner_texts() == captions
    line = tab.locator(".receipt-line", has_text="seed").locator("visible=true").inner_text()
    assert line.rpartition("seed ")[2] == seed.rpartition("seed ")[2]
    assert tab.get_by_role("button", name="Change", exact=True).is_enabled()


def test_a_try_that_failed_leaves_the_picture_to_be_changed(tab):
    begin(tab, "a dog in a meadow")
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    line = tab.locator(".receipt-line", has_text="seed").locator("visible=true")
    seed = line.inner_text().rpartition("seed ")[2]
    begin(tab, "")
    tab.get_by_text("The prompt is empty").first.wait_for(timeout=PATIENCE)
    tab.get_by_label("Change the words, keep the picture").fill("a cat in a meadow")
    tab.get_by_role("button", name="Change", exact=True).click(timeout=PATIENCE)
    tab.locator("#pictures img").nth(1).wait_for(timeout=PATIENCE)
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    assert line.inner_text().rpartition("seed ")[2] == seed
    captions = [f"a {name} in a meadow" for name in ("dog", "cat")]
    assert tab.locator("#pictures .caption-label").all_inner_texts() == captions


def test_no_changed_words_are_explained_and_the_picture_stays(tab):
    begin(tab, "a dog in a meadow")
    tab.get_by_label("Change the words, keep the picture").fill("")
    tab.get_by_role("button", name="Change", exact=True).click()
    tab.get_by_text("The changed prompt is empty").first.wait_for(timeout=PATIENCE)
    assert tab.locator("#pictures img").count() == 1
    tab.get_by_role("button", name="Change", exact=True).click(timeout=PATIENCE)


def test_stop_keeps_the_picture_so_far_and_frees_the_buttons(tab):
    tab.get_by_role("button", name="Settings").locator("visible=true").click()
    steps = tab.get_by_label("number input for Steps")
    steps.fill("100")
    steps.press("Enter")
    begin(tab, "a rocket in space")
    tab.locator("#drawing").get_by_text("Step ").wait_for(timeout=PATIENCE)
    tab.get_by_role("button", name="Stop", exact=True).click()
    tab.get_by_text("The picture so far stays").wait_for(timeout=PATIENCE)
    tab.wait_for_timeout(1000)  # a late step must change nothing
    assert tab.get_by_role("button", name="Draw", exact=True).is_enabled()
    assert not tab.get_by_role("button", name="Stop", exact=True).is_enabled()
    assert tab.locator("#pictures img").count() == 1
    assert not tab.locator("#drawing").is_visible()


def test_a_lesson_is_stopped_then_taught_and_drawn(tab):
    tab.get_by_role("button", name="Teach it a new word").click()
    example = tab.get_by_role("button", name="Try a robot")
    example.click()
    tab.locator("#word-lesson").get_by_text("Step ").wait_for(timeout=PATIENCE)
    tab.locator("#word").get_by_role("button", name="Stop", exact=True).click()
    tab.get_by_text("nothing was taught").wait_for(timeout=PATIENCE)
    steps = tab.get_by_label("number input for Steps of the lesson")
    steps.fill("20")
    steps.press("Enter")
    tab.locator("#word").get_by_role("button", name="Teach", exact=True).click(timeout=PATIENCE)
    tab.locator("#word-lesson").get_by_text("Taught in").wait_for(timeout=PATIENCE)
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    assert tab.get_by_label("Your picture in words").input_value() == "a robot in the snow"
    assert "taught “robot”" in tab.locator(".receipt-line", has_text="seed").inner_text()
    assert not tab.get_by_label("Change the words, keep the picture").is_visible()


def test_the_first_click_draws_something(tab):
    tab.get_by_role("button", name="Draw", exact=True).click()
    tab.locator("#drawing").get_by_text("Done.").wait_for(timeout=PATIENCE)
    assert (
        tab.get_by_label("Change the words, keep the picture").input_value() == "a dog in a meadow"
    )


def test_no_words_are_explained_and_the_button_comes_back(tab):
    begin(tab, "")
    tab.get_by_text("The prompt is empty").first.wait_for(timeout=PATIENCE)
    tab.get_by_text("Getting ready").wait_for(state="detached", timeout=PATIENCE)
    tab.get_by_role("button", name="Draw", exact=True).click(timeout=PATIENCE)
