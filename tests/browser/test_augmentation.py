"""What a visitor does in the tab that augments."""

import re

import pytest

pytestmark = pytest.mark.browser
PATIENCE = 90_000  # milliseconds; the first run may have to wait for Keras


@pytest.fixture
def tab(page):
    page.get_by_role("tab", name="Augment").click()
    page.locator("#chain .label-wrap").first.wait_for(timeout=PATIENCE)
    return page


def upload(tab, *paths):
    tab.locator("[role=tabpanel]:visible input[type=file]").first.set_input_files(paths)


def wait_for_layers(tab, count):
    tab.locator(".receipt-line:visible").get_by_text(f"{count} layer").wait_for(timeout=PATIENCE)


def choose(tab, menu, option):
    tab.locator(f"{menu} input").click()
    tab.get_by_role("option", name=option).click()


def cards(tab):
    return [text.split("\n")[0] for text in tab.locator("#chain .label-wrap").all_inner_texts()]


def wait_for_code(tab, pattern):
    code = tab.locator(".cm-content:visible").filter(has_text=re.compile(pattern, re.DOTALL))
    code.wait_for(timeout=PATIENCE)


def test_upload_mix_and_edit_the_chain(tab, picture):
    upload(tab, picture("dog.png", seed=1), picture("cat.png", seed=2))
    wait_for_layers(tab, 5)
    assert tab.locator("#variants .grid-container img").count() == 9

    choose(tab, "#ready-made", "CutMix or MixUp")
    wait_for_layers(tab, 1)
    captions = " ".join(tab.locator("#variants .caption-label").all_inner_texts())
    assert "dog 0." in captions and "+" in captions

    choose(tab, "#add-layer", "Shape · RandomZoom")
    wait_for_layers(tab, 2)
    tab.locator("#chain .label-wrap").nth(1).wait_for(timeout=PATIENCE)
    assert cards(tab) == ["1 · RandomChoice", "2 · RandomZoom"]

    rate = tab.get_by_label("number input for fill_value")
    rate.fill("77")
    rate.press("Tab")
    wait_for_code(tab, "fill_value=77")
    tab.get_by_role("button", name="Earlier").locator("visible=true").click()
    tab.get_by_text("1 · RandomZoom").wait_for(timeout=PATIENCE)
    wait_for_code(tab, "RandomZoom.*RandomChoice")

    tab.get_by_role("button", name="Remove").locator("visible=true").first.click()
    wait_for_layers(tab, 1)
    wait_for_code(tab, "chain = .\\s+layers.RandomChoice")


def test_new_variants_draw_a_new_seed_unless_it_is_kept(tab, picture):
    upload(tab, picture())
    choose(tab, "#ready-made", "Flip and crop")
    wait_for_layers(tab, 2)
    tab.get_by_role("button", name="Make variants").click()
    seed = tab.locator(".receipt-line:visible")
    tab.wait_for_function(
        "() => !/seed 0$/.test(document.querySelector('.receipt-line').innerText)"
    )
    drawn = seed.inner_text().split()[-1]
    tab.get_by_role("button", name="Settings").locator("visible=true").click()
    tab.get_by_label("Keep this seed").locator("visible=true").check()
    tab.get_by_label("number input for Variants").fill("4")
    tab.get_by_label("number input for Variants").press("Tab")
    seed.get_by_text("4 ×").wait_for(timeout=PATIENCE)
    assert seed.inner_text().split()[-1] == drawn


def test_a_text_file_called_png_is_explained(tab, tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture")
    upload(tab, path)
    tab.get_by_text("not an image").first.wait_for(timeout=PATIENCE)


def test_the_buttons_at_chosen_pictures_have_names(tab, picture):
    upload(tab, picture())
    tab.get_by_role("button", name="Capture from camera").locator("visible=true").wait_for()
    named = tab.locator("button[aria-label]").evaluate_all("all => all.map(each => each.ariaLabel)")
    assert not [name for name in named if re.fullmatch(r"\w+\.\w+", name)], "Gradio's own keys"
