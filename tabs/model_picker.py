"""The picker of models: what each one knows, its card, and the download of a published one.

Knows no particular tab and runs no model.
"""

import html
import re

import gradio as gr
import psutil

from models import catalog, hub
from models.rows import Published
from tabs import jobs, widgets

SHEET = re.compile(r"^## .*\n\n!\[(.*)\]\((.*)\)\n\n", re.MULTILINE)  # a card's picture


def build(capability):
    """Build a dropdown of the capability's models over what the chosen one knows.

    A published checkpoint that is not on this machine says how much there is to download, and is
    downloaded when the visitor presses the button, with its progress on the page.

    Returns:
        The dropdown; its value is the model's id.
    """
    first = catalog.default(capability)
    picker = gr.Dropdown(
        _choices(capability),
        value=first.id,
        label="Model",
        filterable=False,
        interactive=True,
        elem_classes="later",
    )
    brief = gr.HTML(_brief(first), padding=False, elem_classes="later")
    with gr.Column(visible=not first.here, elem_classes=["download", "later"]) as offer:
        told = gr.HTML(_told(first), padding=False)
        with gr.Row():
            fetch = gr.Button("Download", size="sm", variant="primary")
            stop = gr.Button("Cancel", size="sm", interactive=False)
        end = gr.HTML(padding=False)  # apart, since a last word of progress may come after it
    with gr.Accordion("Model card", open=False, elem_classes=["settings", "later"]):
        text, picture = _card(first)
        card = gr.Markdown(text, elem_classes="model-card")
        sheet = gr.Image(**picture, show_label=False, interactive=False, buttons=["fullscreen"])
    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    picker.change(_shown, picker, [brief, card, sheet, offer, told, end], **quiet)
    coming = fetch.click(_fetching, None, [fetch, stop, end], queue=False, **quiet).then(
        # A download that is being cancelled must not swallow the next one.
        _fetch,
        picker,
        [told],
        concurrency_limit=None,
        trigger_mode="multiple",
        **quiet,
    )
    for after in (coming.success, coming.failure):
        after(lambda name: _ended(capability, name), picker, [picker, offer, fetch, stop], **quiet)
    ended = [told, fetch, stop, end]
    stop.click(_stopped, picker, ended, cancels=coming, queue=False, **quiet)
    return picker


def _choices(capability):
    return [(_label(row), row.id) for row in catalog.offered(capability)]


def _label(row):
    if not isinstance(row, Published):
        return row.title
    where = "on this machine" if row.here else f"{widgets.size(row.download)} to download"
    return f"{row.title} · {where}"


def _shown(name):
    row = catalog.get(name)
    card, picture = _card(row)
    offer = gr.Column(visible=not row.here)
    return _brief(row), card, gr.Image(**picture), offer, _told(row), ""


def _card(row):
    """A model's card, and what to show below it: its picture, whose file Markdown cannot reach."""
    found = SHEET.search(row.card)
    if not found:
        return row.card, {"value": None, "visible": False}
    text = f"{SHEET.sub('', row.card)}\n## {found[1]}\n"
    return text, {"value": str(row.folder / found[2]), "label": found[1], "visible": True}


def _brief(row):
    """Return what a model knows, cannot do, was trained on and scored, as HTML."""
    say = html.escape
    return (
        f'<div class="card"><p><strong>Knows</strong> {say(row.knows)}.</p>'
        f'<p>{say(row.limits)}</p><p class="quiet">{say(row.origin)}</p></div>'
    )


def _told(row):
    """Return what a download of a model asks for, as HTML; "" where it is here."""
    if row.here:
        return ""
    needed, free = row.memory, psutil.virtual_memory().available
    (source, *_), *_ = hub.ordered(*row.ways)
    tight = f"Only {widgets.size(free)} are free here, so it may not run. "
    return (
        f"<p><strong>Not on this machine yet.</strong> {widgets.size(row.download)} to download "
        f"from {source.title}, about {widgets.size(needed)} of memory to run. "
        f"{tight if needed > free else ''}</p>"
    )


def _fetching():
    return gr.Button(interactive=False), gr.Button(interactive=True), ""


@jobs.guarded
def _fetch(name):
    """Download the model, yielding how far it is."""
    row = catalog.get(name)
    if not row.here:
        yield "<p>Asking for its files.</p>"
        for progress in hub.fetch(row.name, *row.ways):
            yield _bar(progress)
    yield "<p>It is on this machine now.</p>"


def _bar(progress):
    """Return how far a download is, as HTML: a bar, bytes, speed, time left."""
    if progress.note:
        return f"<p>Waiting: {html.escape(progress.note)}.</p>"
    if not progress.total:
        return "<p>Asking for its files.</p>"
    share = 100 * progress.done / progress.total
    parts = [f"{widgets.size(progress.done)} of {widgets.size(progress.total)}"]
    if progress.rate:
        parts.append(f"{widgets.size(progress.rate)} a second")
    if progress.left is not None:
        parts.append(f"{widgets.duration(progress.left)} left")
    return (
        f'<div class="bar"><div style="width: {share:.1f}%"></div></div>'
        f'<p role="status">{" · ".join(parts)}</p>'
    )


def _ended(capability, name):
    """Update the picker; the offer goes where the model has come."""
    here = catalog.get(name).here
    buttons = gr.Button(interactive=True), gr.Button(interactive=False)
    return gr.Dropdown(choices=_choices(capability)), gr.Column(visible=not here), *buttons


def _stopped(name):
    buttons = gr.Button(interactive=True), gr.Button(interactive=False)
    return _told(catalog.get(name)), *buttons, "<p>Stopped. What has come is kept.</p>"
