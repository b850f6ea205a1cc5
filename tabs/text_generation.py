"""The tab that continues a text, token by token.

Knows nothing of how a model is run.
"""

import html
import math
import time

import gradio as gr

from models import checks, text_generation
from tabs import jobs, model_picker, widgets

TITLE = "Generate"
LEAD = "Begin a text and watch the model go on, one token after the other."
STORIES, PLAYS = "gpt2_tiny_stories", "gpt2_tiny_shakespeare"
EXAMPLES = (
    ("Once upon a time, a fox", STORIES),
    ("The red balloon", STORIES),
    ("Snowfall in Buffalo", STORIES),
    ('"Look!" said the little owl.', STORIES),
    ("ROMEO:", PLAYS),
    ("KING:\nMy lords, the night is cold", PLAYS),
)
SAMPLERS = {  # what each one does, for the visitor
    "top_p": ("Top-p", "Draws from the fewest likeliest tokens that hold the share p of the mass."),
    "top_k": ("Top-k", "Draws from the k likeliest tokens."),
    "greedy": ("Greedy", "Always takes the likeliest token."),
    "beam": (
        "Beam",
        "Follows several texts at once and shows the likeliest; it may change its mind.",
    ),
    "contrastive": (
        "Contrastive",
        "Takes a likely token that is unlike what stands there already.",
    ),
}
NEEDS = {  # the settings that each sampler reads, besides length
    "top_p": {"temperature", "top_p", "seed"},
    "top_k": {"temperature", "top_k", "seed"},
    "greedy": set(),
    "beam": {"temperature", "beams"},
    "contrastive": {"temperature", "top_k", "alpha"},
}
SETTINGS = ("temperature", "top_k", "top_p", "seed", "beams", "alpha")
PAUSE = 0.08  # seconds between two updates of the page, however fast the tokens come
SLOWER = 0.0005  # seconds more for each token there, so that a long text does not choke a browser
SURPRISE = 5.0  # nats, at which a token is shaded in full
EMPTY = '<p class="quiet">The text appears here.</p>'


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    with widgets.pair():
        with widgets.input_side():
            prompt, buttons = _request()
            model = model_picker.build("text_generation")
            length, sampler, sliders, lock, tint = _settings()
            _examples(prompt, model)
        with widgets.result_side():
            text = gr.Textbox(label="text", visible="hidden")
            so_far = gr.State("")  # kept by the server: what Continue goes on from
            story = gr.HTML(EMPTY, elem_id="story", padding=False)
            line, code = widgets.receipt()
    inputs = [prompt, model, length, sampler, *(sliders[name] for name in SETTINGS)]
    outputs = [text, story, line, code, so_far]
    write, stop, more = buttons
    begin = {"inputs": [sliders["seed"], lock], "outputs": [sliders["seed"], *buttons]}
    written = gr.on([write.click, prompt.submit], _begin, **begin, **_quiet()).then(
        _write, inputs, outputs, api_name="generate", show_progress="hidden"
    )
    continued = more.click(_begin, **begin, **_quiet()).then(
        _go_on, [so_far, *inputs], outputs, api_visibility="private", show_progress="hidden"
    )
    for job in (written, continued):
        for ended in (job.success, job.failure):
            ended(_end, so_far, buttons, **_quiet())
    stop.click(_end, so_far, buttons, cancels=[written, continued], **_quiet())
    tint.change(_tinted, tint, story, **_quiet())


def _quiet():
    return {"api_visibility": "private", "show_progress": "hidden", "queue": False}


def _request():
    prompt = gr.Textbox(
        EXAMPLES[0][0],  # so that the first click writes something
        label="Your beginning",
        placeholder=EXAMPLES[0][0],
        lines=3,
        max_lines=10,
        elem_classes="words",
    )
    with gr.Row():
        write = widgets.action("Write")
        stop = gr.Button("Stop", size="lg", interactive=False, min_width=90)
        more = gr.Button("Continue", size="lg", interactive=False, min_width=110)
    return prompt, (write, stop, more)


def _settings():
    """The folded settings; a sampler shows only those that it reads."""
    with widgets.settings():
        length = gr.Slider(1, text_generation.LONGEST, 200, step=1, label="Length, in new tokens")
        sampler = gr.Dropdown(
            [(title, name) for name, (title, _) in SAMPLERS.items()],
            value="top_p",
            label="Sampler",
            info=SAMPLERS["top_p"][1],
            filterable=False,
        )
        sliders = _sliders()
        with gr.Column(elem_classes="seed-part") as seed_part:
            sliders["seed"], lock = widgets.seed_row()
        tint = gr.Checkbox(False, label="Shade each token by how unlikely it was")
    shown = [sliders[name] if name != "seed" else seed_part for name in SETTINGS]
    sampler.change(_shown, sampler, [sampler, *shown], **_quiet())
    return length, sampler, sliders, lock, tint


def _sliders():
    most = text_generation.MOST_CANDIDATES
    return {
        "temperature": gr.Slider(
            0.05, 2, 0.8, step=0.05, label="Temperature", info="Below 1 safer, above 1 wilder"
        ),
        "top_k": gr.Slider(1, most, 5, step=1, label="k, likeliest tokens", visible=False),
        "top_p": gr.Slider(0.01, 1, 0.9, step=0.01, label="p, share of the mass"),
        "beams": gr.Slider(1, 16, 4, step=1, label="Beams", visible=False),
        "alpha": gr.Slider(
            0, 1, 0.6, step=0.05, label="Penalty on what looks like the text so far", visible=False
        ),
    }


def _shown(sampler):
    visible = [gr.update(visible=name in NEEDS[sampler]) for name in SETTINGS]
    return gr.update(info=SAMPLERS[sampler][1]), *visible


def _examples(prompt, model):
    with gr.Column(elem_classes="later"):
        gr.Examples(
            [list(each) for each in EXAMPLES],
            [prompt, model],
            label="Or try one of these",
            example_labels=[text.replace("\n", " ") for text, _ in EXAMPLES],
            api_visibility="private",
        )


def _begin(seed, lock):
    """Draw a new seed unless it is locked; turn Stop on."""
    off, on = gr.Button(interactive=False), gr.Button(interactive=True)
    return seed if lock else checks.seed(None), off, on, off


def _end(so_far):
    """Turn Write on, and Continue where there is something to go on from."""
    off, on = gr.Button(interactive=False), gr.Button(interactive=True)
    return on, off, gr.Button(interactive=bool(so_far))


def _tinted(tint):
    return gr.HTML(elem_classes=["tinted"] if tint else [])


@jobs.guarded
def _write(prompt, model, max_length, sampler, temperature, top_k, top_p, seed, beams, alpha):
    """Continue a prompt by at most `max_length` tokens, streamed: the text so far, prompt included.

    The same prompt, seed and settings give the same text.
    """
    settings = (model, max_length, sampler, temperature, top_k, top_p, seed, beams, alpha)
    yield from _stream(prompt, prompt, settings)


@jobs.guarded
def _go_on(text, prompt, *settings):
    """Continue the text so far; the prompt that it began with stays marked."""
    yield from _stream(text or prompt, prompt, settings)


def _stream(start, prompt, settings):
    tokens, shown, code = [], 0.0, ""
    stream = text_generation.generate(start, *settings)
    start = checks.text(start, "prompt")
    yield start, _page(start, prompt, [], caret=True), gr.skip(), gr.skip(), start
    for token in stream:
        tokens.append(token)
        if time.monotonic() - shown > PAUSE + SLOWER * len(tokens):
            shown = time.monotonic()
            line = widgets.receipt_line(token.run, _note(tokens))
            page = _page(start, prompt, tokens, caret=True)
            code = gr.skip() if code else _code(start, settings, token.run)
            yield token.text, page, line, code, token.text
    text = tokens[-1].text if tokens else start
    ended = len(tokens) < settings[1]
    line = widgets.receipt_line(tokens[-1].run, _note(tokens, ended)) if tokens else ENDED
    yield text, _page(start, prompt, tokens), line, gr.skip() if tokens else "", text


ENDED = '<p class="receipt-line">The model takes this text to be finished.</p>'


def _note(tokens, ended=False):
    """What the receipt adds: how many tokens, how fast, and what the reader should know."""
    last = tokens[-1]
    count = "1 token" if len(tokens) == 1 else f"{len(tokens)} tokens"
    parts = [f"{count}, {len(tokens) / last.run.seconds:.0f} a second"]
    parts += ["the model ended the text here"] * ended + [last.note] * bool(last.note)
    return " · ".join(parts)


def _page(start, prompt, tokens, caret=False):
    """The text as HTML: the visitor's beginning marked, each new token shaded by its surprise."""
    given = prompt.strip()
    given = given if start.startswith(given) else ""
    marked = f"<mark>{html.escape(given)}</mark>{html.escape(start[len(given) :])}"
    told = "".join(token.token for token in tokens)
    if tokens and start + told != tokens[-1].text:  # beam search changed its mind
        new = html.escape(tokens[-1].text[len(start) :])
    else:
        new = "".join(_shaded(token) for token in tokens)
    return f"<p>{marked}{new}{'<i></i>' if caret else ''}</p>"


def _shaded(token):
    unlikely = round(100 * min(1.0, -math.log(max(token.probability, 1e-9)) / SURPRISE))
    share = f"{100 * token.probability:.1f} %"
    return f'<span style="--u:{unlikely}%" title="{share}">{html.escape(token.token)}</span>'


def _code(start, settings, run):
    _, length, sampler, temperature, top_k, top_p, _, beams, alpha = settings
    values = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "seed": run.seed,
        "beams": beams,
        "alpha": alpha,
    }
    used = [f"{name}={values[name]!r}" for name in SETTINGS if name in NEEDS[sampler]]
    told = [f'model="{run.model}"', f"max_length={length}", f'sampler="{sampler}"', *used]
    return (
        "from models import text_generation\n\n"
        f"tokens = text_generation.generate(\n    {start!r},\n    {', '.join(told)},\n)\n"
        'for token in tokens:\n    print(token.token, end="")'
    )


def warm_up():
    """Load the default model and compile its step, and what reads short prompts and long ones."""
    for prompt in ("Once upon a time", "Once upon a time " * text_generation.SHORT_PROMPT):
        list(text_generation.generate(prompt, max_length=2, seed=0))
