"""The tab that puts a picture into words.

Knows nothing of how a model is run.
"""

import html

import gradio as gr
import numpy as np

from models import captioning, checks
from tabs import jobs, model_picker, widgets

TITLE = "Caption"
LEAD = "Show a picture with a few things in it and read what the model says of it."
EXAMPLES = ("night", "beach", "space", "meadow", "desert", "forest")
METHODS = (
    ("Draw each word from the likely ones", "sample"),
    ("Always the likeliest word", "greedy"),
    ("Search for the likeliest captions (beam)", "beam"),
)
WAITING = '<p class="waiting">The captions appear here.</p>'


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    with widgets.pair():
        with widgets.input_side():
            image = widgets.image_input()
            button = widgets.action("Caption")
            model = model_picker.build("captioning")
            with widgets.settings():
                count, method, temperature, top_p, seed, keep = _settings()
            widgets.examples(widgets.pictures(EXAMPLES), image)
        with widgets.result_side():
            listed = gr.HTML(WAITING, padding=False, apply_default_css=False, elem_id="captions")
            with gr.Accordion("As JSON", open=False, elem_classes="settings"):
                found = gr.JSON(show_label=False)
            line, code = widgets.receipt()
    inputs = [image, model, count, seed, method, temperature, top_p]
    views = [found, listed, line, code]
    endpoint = gr.Button(visible=False)
    endpoint.click(_caption, inputs, views, api_name="caption")
    button.click(_caption_anew, [*inputs, keep], [*views, seed], api_visibility="private")
    widgets.run_on_change([image, model, method], _caption, inputs, views)
    settings = [count.release, temperature.release, top_p.release, seed.submit]
    gr.on(
        settings,
        _caption_if_given,
        inputs,
        views,
        api_visibility="private",
        trigger_mode="always_last",
    )


def _settings():
    count = gr.Slider(1, captioning.MOST, 5, step=1, label="Captions")
    method = gr.Radio(METHODS, value="sample", label="How the words are chosen")
    temperature = gr.Slider(
        0.1, 2, 0.8, step=0.05, label="Temperature", info="Drawing: lower is safer, higher bolder"
    )
    top_p = gr.Slider(
        0.05, 1, 0.9, step=0.05, label="Top p", info="Drawing: probability that likely words share"
    )
    return count, method, temperature, top_p, *widgets.seed_row()


@jobs.guarded
def _caption(image, model, count, seed, method="sample", temperature=0.8, top_p=0.9):
    """Put a picture into words: a JSON list of up to `count` captions.

    `method` is sample (drawn by `seed`, `temperature` and `top_p`), greedy (one caption, the
    likeliest words) or beam (a search for the likeliest captions).
    """
    return _captioned(image, model, count, seed, method, temperature, top_p)


@jobs.guarded
def _caption_anew(image, model, count, seed, method, temperature, top_p, keep):
    """Caption with a new seed, or with the same where the visitor keeps it."""
    seed = checks.seed(seed if keep else None)
    return *_captioned(image, model, count, seed, method, temperature, top_p), seed


@jobs.guarded
def _caption_if_given(image, *others):
    """Caption again after a setting changed; nothing happens before there is a picture."""
    return tuple(gr.skip() for _ in range(4)) if image is None else _captioned(image, *others)


def _captioned(image, model, count, seed, method, temperature, top_p):
    result = captioning.caption(image, model, count, seed, method, temperature, top_p)
    code = _code(result.run, count, method, temperature, top_p)
    return list(result.texts), _listed(result), widgets.receipt_line(result.run), code


def _listed(result):
    """The captions as HTML, the first one large, each with how sure the model was if it says so."""
    sures = [_sure(each) for each in result.probabilities] or [""] * len(result.texts)
    rows = "".join(
        f'<li><span class="said">{html.escape(text)}</span>{sure}</li>'
        for text, sure in zip(result.texts, sures, strict=True)
    )
    return f'<ol class="captions">{rows}</ol>'


def _sure(probability):
    return f'<span class="sure" title="probability of a word, on average">{probability:.0%}</span>'


def _code(run, count, method, temperature, top_p):
    drawn = f", seed={run.seed}, temperature={temperature:g}, top_p={top_p:g}"
    return (
        "from models import captioning\n\n"
        f'captioning.caption("picture.png", model="{run.model}", count={count:g}, '
        f'method="{method}"{drawn if method == "sample" else ""})'
    )


def warm_up():
    """Load the default model and compile it."""
    captioning.caption(np.zeros((64, 64, 3), np.uint8), seed=0)
