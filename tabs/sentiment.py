"""The tab that tells praise from blame, in one text or line by line.

Knows nothing of how a model is run.
"""

import csv
import io

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from models import sentiment
from tabs import jobs, model_picker, widgets

TITLE = "Sentiment"
LEAD = "Type what you think of a film, a phone or your dinner, and see how positive it sounds."
ONE, LINES = "One text", "One text per line"
SHORT_TEXT = 200  # characters; a longer one is not repeated in the code
COLUMNS = ["text", "positive", "negative"]
EXAMPLES = (
    "What an amazing movie!",
    "A total waste of my time.",
    "The plot is clever, but the film is boring and far too long.",
    "The soup was cold and the waiter was rude.",
    "not bad at all",
    "The screen is bright, the battery lasts all day and it was cheap.",
    "It looks nice, but it broke after two days.",
)
SURVEY = "\n".join(
    (
        "The guide was funny and knew every stone of the old town.",
        "We waited for an hour and then the tour was cancelled.",
        "Not worth the money.",
        "My grandmother enjoyed every minute of it.",
        "I would not do it again.",
    )
)


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    with widgets.pair():
        with widgets.input_side():
            text, mode = _inputs()
            with gr.Column() as one_action:
                one_button = widgets.action("Score")
            with gr.Column(visible=False) as lines_action:
                lines_button = widgets.action("Score every line")
            model = model_picker.build("sentiment")
            one_examples, lines_examples = _examples(text)
        with widgets.result_side():
            label = gr.Label(label="It sounds", elem_classes="big-label")
            with gr.Column(visible=False) as results:
                summary, table, download = _table()
            line, code = widgets.receipt()
    inputs = [text, model]
    one, many = [label, line, code], [table, download, summary, line, code]
    one_button.click(_score, inputs, one, api_name="sentiment")
    scored = lines_button.click(_score_lines, inputs, many, api_name="sentiment_lines")
    scored.success(_ready, None, download, api_visibility="private", show_progress="hidden")
    mode.change(
        _switch,
        mode,
        [one_action, one_examples, label, lines_action, lines_examples, results],
        api_visibility="private",
        show_progress="hidden",
    )
    gr.on(
        [text.change, model.change, mode.change],
        _live,
        [*inputs, mode],
        one,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
    )


def _inputs():
    text = gr.Textbox(
        label="Your text",
        placeholder="Type or paste here",
        info="English. A long text is read part by part, all of it.",
        lines=5,
        max_lines=14,
        elem_classes="words",
    )
    mode = gr.Radio([ONE, LINES], value=ONE, label="Read it as", elem_classes="mode")
    return text, mode


def _examples(text):
    """Texts to click, and lines to click; one of the two groups shows."""
    with gr.Column(elem_classes="later") as one:
        widgets.examples(list(EXAMPLES), [text])
    with gr.Column(visible=False, elem_classes="later") as lines:
        widgets.examples([SURVEY], [text])
    return one, lines


def _table():
    summary = gr.HTML("", padding=False, elem_id="summary")
    table = gr.Dataframe(
        headers=COLUMNS,
        datatype=["str", "number", "number"],
        column_widths=["46%", "27%", "27%"],
        interactive=False,
        show_label=False,
        wrap=True,
        elem_id="scores",
    )
    return summary, table, gr.DownloadButton("Download CSV", interactive=False)


def _switch(mode):
    one = mode == ONE
    return [gr.update(visible=shown) for shown in (one, one, one, not one, not one, not one)]


@jobs.guarded
def _score(text, model):
    """Say how positive a text is: the probabilities of `positive` and `negative`."""
    return _scored(text, model)


@jobs.guarded
def _live(text, model, mode):
    """Score while the visitor types; nothing happens without words, or line by line."""
    if mode != ONE or not (text or "").strip():
        return gr.skip(), gr.skip(), gr.skip()
    return _scored(text, model)


def _scored(text, model):
    result = sentiment.score(text, model)
    shares = {"positive": result.positive, "negative": result.negative}
    return shares, widgets.receipt_line(result.run), _code(text, result.run.model)


@jobs.guarded
def _score_lines(text, model):
    """Say how positive each line is: a table of text, positive and negative; and it as CSV."""
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    found = sentiment.score_many(lines, model)
    rows = [
        [line, round(each.positive, 3), round(each.negative, 3)]
        for line, each in zip(lines, found, strict=True)
    ]
    return (
        rows,
        _as_csv(rows),
        _summary(rows),
        widgets.receipt_line(found[0].run),
        _lines_code(found[0].run.model),
    )


def _ready():
    return gr.DownloadButton(interactive=True)


def _as_csv(rows):
    """The path of a file with the table, among the temporary ones that the app clears."""
    table = io.StringIO(newline="")
    csv.writer(table).writerows([COLUMNS, *rows])
    content = table.getvalue().encode("utf-8-sig")  # spreadsheets expect the mark
    return save_bytes_to_cache(content, "sentiment.csv", get_upload_folder())


def _summary(rows):
    positive = sum(row[1] > 0.5 for row in rows)
    return f'<p class="lead">{positive} of {len(rows)} sound positive</p>'


def _code(text, model):
    words = repr(text) if len(text) <= SHORT_TEXT else 'open("text.txt").read()'
    return f'from models import sentiment\n\nsentiment.score({words}, model="{model}")'


def _lines_code(model):
    return (
        "from models import sentiment\n\n"
        'lines = open("lines.txt").read().splitlines()\n'
        f'sentiment.score_many(lines, model="{model}")'
    )


def warm_up():
    """Load the default model and compile it for one sentence."""
    sentiment.score("What an amazing movie!")
