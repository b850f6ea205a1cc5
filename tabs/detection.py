"""The tab that finds things in a picture and frames them.

Knows nothing of how a model is run. The sliders work on the stored candidates, without the model.
"""

import html
from collections import Counter
from dataclasses import dataclass

import gradio as gr
import numpy as np

from models import catalog, detection, images
from models.results import Detections
from tabs import boxes, jobs, model_picker, widgets

TITLE = "Detect"
NOTHING = "Nothing is that sure. Lower the confidence, or show another picture."
EXAMPLES = ("city", "sea", "meadow", "snow", "room", "beach")
LEAD = "Show a picture with several things in it and see which they are, and where."
HEAD = "<tr><th>Thing</th><th>Score</th><th>Left, top, right, bottom</th></tr>"
DOWNLOAD = """(found) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(found, null, 2)]));
    link.download = "detections.json";
    link.click();
}"""


@dataclass(frozen=True)
class Shown:
    """What the sliders work on: the picture and its candidates before thresholds."""

    image: str  # path
    candidates: Detections


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    with widgets.pair():
        with widgets.input_side():
            image = widgets.image_input()
            button = widgets.action("Detect")
            model = model_picker.build("detection")
            widgets.examples(widgets.pictures(EXAMPLES), image)
        with widgets.result_side():
            drawn = _result_picture()
            sentence = gr.HTML("", padding=False, elem_id="found")
            thresholds = _thresholds()
            table, found, download = _lists()
            line, code = widgets.receipt()
    shown = gr.State()
    inputs = [image, model, *thresholds]
    views = [found, drawn, sentence, table, line, code]
    button.click(_detect, inputs, [*views, shown], api_name="detect")
    widgets.run_on_change([image, model], _detect, inputs, [*views, shown])
    model.change(_class_choices, model, thresholds[-1], api_visibility="private")
    gr.on(
        [each.change for each in thresholds],
        _redraw,
        [shown, *thresholds],
        views,
        api_visibility="private",
        show_progress="hidden",
        trigger_mode="always_last",
    )
    download.click(None, found, None, js=DOWNLOAD, api_visibility="private")


def _result_picture():
    return gr.Image(
        label="What is where",
        show_label=False,
        interactive=False,
        format="jpeg",
        buttons=["download", "fullscreen"],
        elem_id="drawn",
        elem_classes="picture",
    )


def _thresholds():
    """Confidence, IoU and the class filter, which redraw without the model.

    They begin where few things are framed twice or wrongly (training/LOG.md, 2026-11-27).
    """
    with gr.Row():
        confidence = gr.Slider(
            0, 1, 0.4, step=0.01, label="Confidence", info="Frames at least this sure"
        )
        iou = gr.Slider(0, 1, 0.4, step=0.01, label="IoU", info="Overlap allowed at most")
    known = catalog.labels(catalog.of("detection")[0].id)
    classes = gr.Dropdown(
        sorted(known), value=[], multiselect=True, label="Only these things", info="None is all"
    )
    return [confidence, iou, classes]


def _lists():
    """The table, and the JSON with its download."""
    table = gr.HTML(
        "", padding=False, elem_id="detections", elem_classes="status", apply_default_css=False
    )
    with gr.Accordion("As JSON", open=False, elem_classes="settings"):
        found = gr.JSON(show_label=False, max_height=320)
        download = gr.Button("Download JSON")
    return table, found, download


def _class_choices(model):
    return gr.Dropdown(sorted(catalog.labels(model)), value=[])


@jobs.guarded
def _detect(image, model, confidence, iou, classes=()):
    """Find things in a picture, each with a score and its box in pixels of the image sent.

    `confidence` is the least score of a box, `iou` the most that two boxes of one class may
    overlap, `classes` the names to keep (none: all).
    """
    candidates = detection.detect(image, model)
    shown = Shown(image, candidates)
    return *_views(shown, confidence, iou, classes), shown


@jobs.guarded
def _redraw(shown, confidence, iou, classes):
    """Show stored candidates under other thresholds; the model does not run."""
    if shown is None:
        return tuple(gr.skip() for _ in range(6))
    return _views(shown, confidence, iou, classes)


def _views(shown, confidence, iou, classes):
    """The list, the drawing, the sentence, the table, the receipt and the code, in this order."""
    kept = shown.candidates.filter(confidence, iou, classes)
    return (
        _as_json(kept),
        boxes.draw(images.read(shown.image), kept),
        _sentence(kept.labels),
        _table(kept),
        widgets.receipt_line(kept.run, _share(kept, shown.candidates)),
        _code(kept.run.model, confidence, iou, classes),
    )


def _share(kept, candidates):
    return f"{len(kept.labels)} of {len(candidates.labels)} candidates shown"


def _table(kept):
    """The frames as an HTML table, each marked with its colour in the drawing."""
    shades = boxes.colours(kept.labels)
    rows = "".join(
        f'<tr><td><span style="color: {shades[label]}">&#9632;</span>&nbsp;'
        f"{html.escape(label)}</td>"
        f"<td>{score:.1%}</td><td>{', '.join(f'{edge:.0f}' for edge in box)}</td></tr>"
        for label, score, box in zip(kept.labels, kept.scores, kept.boxes, strict=True)
    )
    return f"<table><thead>{HEAD}</thead><tbody>{rows}</tbody></table>" if rows else ""


def _as_json(kept):
    return [
        {"label": label, "score": round(float(score), 4), "box": [round(float(x), 1) for x in box]}
        for label, score, box in zip(kept.labels, kept.scores, kept.boxes, strict=True)
    ]


def _sentence(labels):
    """Say in words what is there, the commonest first."""
    if not labels:
        return f'<p class="lead">{NOTHING}</p>'
    counts = [f"{name} × {n}" if n > 1 else name for name, n in Counter(labels).most_common()]
    return f'<p class="lead">{", ".join(counts)}</p>'


def _code(model, confidence, iou, classes):
    chosen = f", {list(classes)!r}" if classes else ""
    return (
        "from models import detection\n\n"
        f'found = detection.detect("picture.png", model="{model}")\n'
        f"found.filter({confidence:g}, {iou:g}{chosen})"
    )


def warm_up():
    """Load the default model and compile it."""
    detection.detect(np.zeros((64, 64, 3), np.uint8))
