"""The header's status: device, precision, models in memory, their sizes and load times.

Knows no tab; reads what the loader and the runtime say of themselves.
"""

import contextlib
import functools
import html
import time

import gradio as gr
import psutil

from models import catalog, loader, runtime
from tabs import widgets

REFRESH = 4  # seconds


def build(page):
    """Create the status line and the table folded behind it; both refresh by themselves.

    Args:
        page: the gr.Blocks that is being built; the first look is taken when a visitor opens it.
    """
    with gr.Accordion(headline(), open=False, elem_classes="status") as panel:
        table = gr.HTML(details(), padding=False)
    gr.on(
        [page.load, gr.Timer(REFRESH).tick],
        _shown,
        None,
        [panel, table],
        api_visibility="private",
        show_progress="hidden",
        queue=False,
    )


def _shown():
    label, table = _look(int(time.monotonic()))
    return gr.Accordion(label=label), table


@functools.lru_cache(maxsize=1)
def _look(second):
    """Look once for all pages that ask within a second: the headline and the details."""
    return headline(), details()


def headline():
    """Return the device and the number of models in memory as plain text."""
    device = runtime.known()
    if device is None:
        return "Getting ready: Keras is being imported"
    ready = f"{len(loader.models())} of {len(catalog.offered())} models in memory"
    return " · ".join(filter(None, (f"Runs on {device.name}", device.warning, ready)))


def details():
    """Return the whole status as HTML."""
    device = runtime.known()
    if device is None:
        return '<p class="quiet">The page is up; Keras is being imported behind it.</p>'
    facts = (
        f"<p><strong>{html.escape(device.name)}</strong>, weights in {device.precision}. "
        f"{html.escape(device.reason)} {html.escape(device.backend)}.</p>"
    )
    return facts + _memory() + _models()


def _memory():
    app, helpers = psutil.Process(), 0
    for process in app.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            helpers += process.memory_info().rss
    weights = sum(loaded.nbytes for loaded in loader.models())
    held, allowed, own, more = map(
        widgets.size, (weights, loader.budget(), app.memory_info().rss, helpers)
    )
    return (
        f"<p>{held} of weights in memory, of {allowed} allowed; the app holds {own}, "
        f"its processes {more} more.</p>"
    )


def _models():
    rows = "".join(_row(loaded) for loaded in loader.models())
    if not rows:
        return f'<p class="quiet">No model is loaded yet, of {len(catalog.offered())}.</p>'
    head = "<tr><th>Model</th><th>Weights</th><th>Loaded in</th><th>Runs on</th><th>Now</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _row(loaded):
    cells = (
        html.escape(loaded.row.title),
        widgets.size(loaded.nbytes),
        widgets.duration(loaded.seconds),
        _engines(loaded),
        "in use" if loaded.users else "idle",
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _engines(loaded):
    """What each function of a model runs on and why, a line each, as HTML."""
    lines = {
        f"{name}: {choice.engine} in {choice.precision}, {choice.reason}"
        for name, choices in loaded.choices().items()
        for choice in choices
    }
    return "<br>".join(map(html.escape, sorted(lines))) or "not run yet"
