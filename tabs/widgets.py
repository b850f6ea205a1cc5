"""Parts that two or more tabs share: the two sides, seed, examples, receipt, errors.

Knows no particular tab and runs no model.
"""

import functools
import html
import inspect
import logging
import uuid
from pathlib import Path

import gradio as gr

from models import catalog
from models.checks import BadInput
from models.hub import Trouble
from models.loader import LoadError

EXAMPLES = Path(__file__).parent.parent / "assets" / "examples"
log = logging.getLogger(__name__)


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


def action(text):
    """Return the tab's main button."""
    return gr.Button(text, variant="primary", size="lg", elem_classes="action")


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
    opening = picture.preprocess

    def as_it_came(payload):
        return payload.path if payload and payload.path else opening(payload)

    # gr.Image opens the file even for a path, and one that is no image ends in a nameless error;
    # models.images says what is wrong with it.
    picture.preprocess = as_it_came
    return picture


def seed_row(value=0):
    """Return a seed number and its lock; unlocked, each run draws a new seed."""
    with gr.Row(elem_classes="seed"):
        seed = gr.Number(value, label="Seed", precision=0, minimum=0, maximum=2**31 - 1, scale=3)
        lock = gr.Checkbox(False, label="Keep this seed", scale=2, min_width=120)
    return seed, lock


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
    ids = {row.id for row in catalog.offered() if not row.here}
    return any(isinstance(value, str) and value in ids for value in values)


def examples(rows, inputs, label="Or try one of these"):
    """Show examples that fill `inputs` on a click."""
    return gr.Examples(
        [row if isinstance(row, list) else [row] for row in rows],
        inputs,
        label=label,
        examples_per_page=12,
        api_visibility="private",
    )


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
        html.escape(row.score if isinstance(row, catalog.Published) else f"held-out {row.score}"),
    ]
    if run.seed is not None:
        parts.append(f"seed {run.seed}")
    if note:
        parts.append(html.escape(note))
    return '<p class="receipt-line">' + " · ".join(parts) + "</p>"


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


def guarded(handler):
    """Turn what a handler raises into an error that the visitor can act on.

    BadInput, LoadError and Trouble show their own message. Anything else shows an error id and
    nothing of the exception, whose trace goes to the log under that id.
    """
    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def guard(*values):
            try:
                yield from handler(*values)
            except Exception as error:
                raise _shown(error) from error
    else:

        @functools.wraps(handler)
        def guard(*values):
            try:
                return handler(*values)
            except Exception as error:
                raise _shown(error) from error

    return guard


def _shown(error):
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, (BadInput, LoadError, Trouble)):
        return gr.Error(str(error), title="That did not work", print_exception=False)
    number = uuid.uuid4().hex[:8]
    log.error("error %s", number, exc_info=error)
    return gr.Error(
        f"Something failed on our side. Try again; if it stays so, report error {number}.",
        title="That did not work",
        print_exception=False,
    )
