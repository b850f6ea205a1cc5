"""Parts that two or more tabs share: the two sides, seed, examples, receipt.

Knows no particular tab and runs no model.
"""

import functools
import html
from pathlib import Path

import gradio as gr
from gradio.processing_utils import save_base64_to_cache

from models import catalog
from models.rows import Published

BAR = "height: 8px; border-radius: 4px; background: var(--keras-red)"
EXAMPLES = Path(__file__).parent.parent / "assets" / "examples"


def heading(lead):
    """Show the tab's one sentence under its name."""
    return gr.HTML(f'<p class="lead">{html.escape(lead)}</p>', padding=False)


def pair():
    """Return the row that holds the two sides; on a phone the result follows the main button."""
    return gr.Row(elem_classes="pair")


def input_side():
    """Return the left column, for what the visitor gives."""
    return gr.Column(scale=5, min_width=320, elem_classes="input-side")


def result_side():
    """Return the right column, for what comes back; the larger one."""
    return gr.Column(scale=7, min_width=320, elem_classes="result-side")


def settings():
    """Return the folded part for settings that most visitors never touch."""
    return gr.Accordion("Settings", open=False, elem_classes=["settings", "later"])


def action(text, **options):
    """Return the tab's main button."""
    return gr.Button(text, variant="primary", size="lg", elem_classes="action", **options)


def image_input(label="Your picture", height=340):
    """Return an image input with upload, paste and webcam; its value is a path, not yet decoded."""
    picture = gr.Image(
        label=label,
        type="filepath",
        image_mode=None,  # decoding here would run before any check of ours
        sources=["upload", "webcam", "clipboard"],
        height=height,
        buttons=["fullscreen"],
        elem_classes="picture",
        webcam_options=gr.WebcamOptions(mirror=False),
    )
    # gr.Image opens the file even for a path, before any check of ours, and one that is no image
    # ends in a nameless error; models.images says what is wrong with it.
    picture.preprocess = functools.partial(_as_it_came, picture.GRADIO_CACHE)
    return picture


def pictures_input(label, columns, **options):
    """Return an input of several images, with upload, paste and webcam; its value is their paths.

    The gallery opens no file, so that each is checked first.
    """
    return gr.Gallery(
        label=label,
        show_label=False,
        type="filepath",
        file_types=["image"],
        sources=["upload", "webcam", "clipboard"],
        interactive=True,
        columns=columns,
        height="max-content",
        object_fit="cover",
        buttons=[],
        **options,
    )


def _as_it_came(cache, payload):
    """The path of what a client sent for an image, which may be a data: URL; nothing is decoded."""
    if payload is None or payload.path:
        return payload and payload.path
    if (payload.url or "").startswith("data:") and "," in payload.url:
        return save_base64_to_cache(payload.url, cache)
    raise gr.Error("An image was expected. Upload one first.", print_exception=False)


def seed_row(value=0):
    """Return a seed number and its lock; unlocked, each run draws a new seed."""
    with gr.Row(elem_classes="seed"):
        seed = seed_number("Seed", value, scale=3)
        lock = gr.Checkbox(False, label="Keep this seed", scale=2, min_width=120)
    return seed, lock


def seed_number(label, value=0, **options):
    """Return a number that can be a seed."""
    return gr.Number(value, label=label, precision=0, minimum=0, maximum=2**31 - 1, **options)


def run_on_change(triggers, handler, inputs, outputs):
    """Run `handler` when one of `triggers` changes, once the first of `inputs` has a value.

    A model that is not on this machine yet waits for its download.
    """

    def run_if_given(first, *others):
        return gr.skip() if first is None or _awaited(others) else handler(first, *others)

    gr.on(
        [component.change for component in triggers],
        run_if_given,
        inputs,
        outputs,
        api_visibility="private",
        trigger_mode="always_last",
    )


def _awaited(values):
    chosen = {value for value in values if isinstance(value, str)}
    return any(row.id in chosen and not row.here for row in catalog.PUBLISHED)


def examples(rows, inputs, label="Or try one of these"):
    """Show examples that fill `inputs` on a click."""
    return gr.Examples(
        [row if isinstance(row, list) else [row] for row in rows],
        inputs,
        label=label,
        examples_per_page=12,
        api_visibility="private",
    )


def gallery(names, image, label):
    """Show example pictures by name; what a click does, with the index of one, is the tab's."""
    return gr.Dataset(
        components=[image],
        samples=[[path] for path in pictures(names)],
        label=label,
        type="index",
        samples_per_page=12,
    )


def chosen(examples, index):
    """Return the path of the example picture that was clicked; refuse an index that none has."""
    if index not in range(len(examples.samples)):
        raise gr.Error("There is no such example. Click one of those shown.", print_exception=False)
    return examples.samples[index][0]


def pictures(names):
    """Return the paths of example pictures by name, in the order given."""
    return [str(EXAMPLES / f"{name}.jpg") for name in names]


def receipt():
    """Return the line that says what made the result, and the code that repeats it."""
    line = gr.HTML("", elem_classes="receipt", padding=False)
    with gr.Accordion("Repeat this in Python", open=False, elem_classes="settings"):
        code = gr.Code(language="python", show_label=False, interactive=False, lines=3)
    return line, code


def receipt_line(run, note=""):
    """Return what made a result as HTML: time, device, engine, model, its score, the seed."""
    row = catalog.get(run.model)
    parts = [
        f"<strong>{duration(run.seconds)}</strong> on {html.escape(run.device)}",
        f"{run.engine} in {run.precision}",
        html.escape(row.title),
        html.escape(row.score if isinstance(row, Published) else f"held-out {row.score}"),
    ]
    if run.seed is not None:
        parts.append(f"seed {run.seed}")
    if note:
        parts.append(html.escape(note))
    return '<p class="receipt-line">' + " · ".join(parts) + "</p>"


def told(text, share=None):
    """Return a line of text as HTML, over a bar while only a share of the work is done."""
    bar = ""
    if share is not None and share < 1:
        bar = f'<div style="{BAR}; width: {100 * share:.0f}%"></div>'
    return f'<div class="quiet" role="status">{bar}<p>{html.escape(text)}</p></div>'


def duration(seconds):
    """Return a time as a reader says it: 42 ms, 1.3 s, 2 min 5 s."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def size(nbytes):
    """Return a number of bytes as a reader says it: 3.5 MB, 1.7 GB."""
    return f"{nbytes / 1e9:.3g} GB" if nbytes >= 1e9 else f"{nbytes / 1e6:.3g} MB"
