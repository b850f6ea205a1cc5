"""The tab that makes variants of pictures as training does.

Knows nothing of how a layer is run; the list of layers is edited in tabs/augmentation_editor.py.
"""

import html
import threading
from pathlib import Path

import gradio as gr

from models import augmentation
from models.augmentation_chain import CHAINS
from models.checks import BadInput
from tabs import augmentation_editor, jobs, widgets

TITLE = "Augment"
LEAD = "Give a few pictures, line up layers, and see what a model would be trained on."
GUIDE = next(iter(CHAINS))
NAME = 40  # characters of a picture's name
HINT = "With commas between them; the labels that CutMix and MixUp mix. Else the files' names."


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    with widgets.pair():
        with widgets.input_side():
            images = widgets.pictures_input(
                "Your pictures", 4, elem_classes="picture", elem_id="augment-pictures"
            )
            button = widgets.action("Make variants")
            examples = _examples(images)
            wanted = augmentation_editor.build(GUIDE)
            with widgets.settings():
                names, count, size, seed, keep = _settings()
        with widgets.result_side():
            gallery = _result_gallery()
            line = gr.HTML("", elem_classes="receipt", padding=False)
            with gr.Accordion("These layers as Keras code", elem_classes="settings"):
                code = gr.Code(
                    augmentation.code(CHAINS[GUIDE], seed=0),
                    language="python",
                    show_label=False,
                    interactive=False,
                    lines=3,
                    max_lines=20,
                    show_line_numbers=False,
                )
    inputs = [images, names, wanted, seed, keep, count, size]
    outputs = [gallery, line, code, seed]
    button.click(_run_anew, inputs, outputs, api_visibility="private")
    again = _run_again, inputs, outputs
    changes = [images.upload, images.delete, wanted.change, count.release, size.release]
    private = {"api_visibility": "private"}
    gr.on([*changes, names.submit], *again, **private, trigger_mode="always_last")
    examples.load_input_event.then(*again, **private)
    _endpoint()


def _settings():
    names = gr.Textbox(label="Names of the pictures", info=HINT, max_lines=1)
    count = gr.Slider(1, augmentation.IMAGES, 9, step=1, label="Variants")
    size = gr.Slider(
        *(64, 512, augmentation.SIZE),
        step=32,
        label="Size",
        info="Pixels; pictures are cut to squares of it first",
    )
    return names, count, size, *widgets.seed_row()


def _result_gallery():
    return gr.Gallery(
        label="Variants",
        show_label=False,
        interactive=False,
        format="png",
        columns=3,
        height="max-content",  # all variants at once, none to scroll to
        object_fit="contain",
        buttons=["download", "fullscreen"],
        elem_id="variants",
    )


def _examples(images):
    sets = (("meadow", "beach", "city", "night"), ("sea", "snow"), ("sunflower",))
    rows = [[widgets.pictures(names)] for names in sets]
    return widgets.examples(rows, images)


def _endpoint():
    """The API's own endpoint: files rather than a gallery, the layers as JSON."""
    with gr.Group(visible=False):
        images = gr.File(file_count="multiple", label="Images")
        layers = gr.JSON(CHAINS[GUIDE], label="Layers")
        seed = gr.Number(0, precision=0, label="Seed")
        count = gr.Number(9, precision=0, label="Variants")
        labels = gr.Textbox("", label="Names, commas between")
        size = gr.Number(augmentation.SIZE, precision=0, label="Size in pixels")
        gallery, mixed, code = gr.Gallery(format="png"), gr.JSON(), gr.Code(language="python")
        call = gr.Button()
    inputs = [images, layers, seed, count, labels, size]
    call.click(_augment, inputs, [gallery, mixed, code], api_name="augment")


@jobs.guarded
def _augment(images, layers, seed, count, labels="", size=augmentation.SIZE):
    """Make `count` variants of images through a chain of keras-cv layers, drawn by `seed`.

    `layers` is a JSON list of names or of {"layer": name, **parameters}, in the order they run;
    `labels` names the images, commas between. Gives a gallery, the share of each name in each
    variant, and the Keras code that makes the same images.
    """
    images = images or []
    names = _names(labels, [f"image {place}" for place in range(1, len(images) + 1)])
    result = augmentation.augment(images, layers, seed, count, size=size)
    shares = [_shares(row, names) for row in result.labels]
    return _pictures(result, names), shares, result.code


@jobs.guarded
def _run_anew(images, names, layers, seed, keep, count, size):
    """Run with a new seed, or with the same where the visitor keeps it."""
    return _results(images, names, layers, seed if keep else None, count, size)


@jobs.guarded
def _run_again(images, names, layers, seed, keep, count, size):
    """Run with the same seed after a change, so that only the change shows."""
    if not images:
        return gr.skip(), gr.skip(), augmentation.code(layers, seed, count, size), gr.skip()
    return _results(images, names, layers, seed, count, size)


def _results(images, names, layers, seed, count, size):
    """The gallery, the receipt, the code and the seed, in this order."""
    paths = [path for path, _ in images or []]
    names = _names(names, _stems(paths))
    result = augmentation.augment(paths, layers, seed, count, size=size)
    return _pictures(result, names), _receipt(result, len(layers)), result.code, result.run.seed


def _stems(paths):
    """Return the files' names without endings, told apart by a number where two are the same."""
    stems = [Path(path).stem[:NAME] for path in paths]
    twice = {stem for stem in stems if stems.count(stem) > 1}
    return [f"{stem} {place}" if stem in twice else stem for place, stem in enumerate(stems, 1)]


def _names(text, defaults):
    """Return one name per image: those in `text`, then the defaults for the rest."""
    given = [each.strip() for each in text.split(",")] if text and text.strip() else []
    if len(given) > len(defaults):
        raise BadInput(
            f"{len(given)} names came for {len(defaults)} pictures. Give one name per picture, "
            "with commas between them."
        )
    if any(len(name) > NAME for name in given):
        raise BadInput(f"A picture's name may have up to {NAME} characters. Shorten it.")
    given += [""] * (len(defaults) - len(given))
    return [name or default for name, default in zip(given, defaults, strict=True)]


def _shares(row, names):
    """Return the share of each name in one variant, the largest first, without what is nothing."""
    shares = {}
    for name, share in zip(names, row, strict=True):
        shares[name] = shares.get(name, 0) + float(share)
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return {name: round(share, 4) for name, share in ranked if share >= 0.005}


def _pictures(result, names):
    return [
        (image, _caption(_shares(row, names)))
        for image, row in zip(result.images, result.labels, strict=True)
    ]


def _caption(shares):
    """Write shares as the page shows them: "dog", or "dog 0.62 + cat 0.38"."""
    if len(shares) == 1:
        return next(iter(shares))
    return " + ".join(f"{name} {share:.2f}" for name, share in shares.items())


def _receipt(result, layers):
    run = result.run
    height, width = result.images.shape[1:3]
    parts = [
        f"<strong>{widgets.duration(run.seconds)}</strong> on {html.escape(run.device)}",
        f"{layers} layer{'' if layers == 1 else 's'} of keras-cv",
        f"{len(result.images)} × {width} × {height} pixels",
        f"seed {run.seed}",
    ]
    return f'<p class="receipt-line">{" · ".join(parts)}</p>'


def warm_up():
    """Start the process that runs the layers; the other tabs need not wait for it."""
    threading.Thread(target=augmentation.start, daemon=True, name="augmentation").start()
