"""The tab that names what is in a picture.

Knows nothing of how a model is run.
"""

import gradio as gr
import numpy as np

from models import classification
from tabs import jobs, model_picker, widgets

TITLE = "Classify"
LEAD = "Show a picture and see what the model takes it for, and how sure it is."

DRAWINGS = "efficientnetv2_picture_book"  # an example is drawn, so a click picks this model
EXAMPLES = ("sunflower", "elephant", "pizza", "butterfly", "castle", "turtle")


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    with widgets.pair():
        with widgets.input_side():
            image = widgets.image_input()
            button = widgets.action("Classify")
            model = model_picker.build("classification")
            with widgets.settings():
                top_k = gr.Slider(1, 10, 5, step=1, label="Classes shown")
            drawings = widgets.gallery(EXAMPLES, image, "Or try a drawing")
        with widgets.result_side():
            label = gr.Label(label="It is probably", elem_classes="big-label")
            line, code = widgets.receipt()

    # Both at once, so that no model of photos answers in between.
    drawings.click(
        lambda index: [widgets.chosen(drawings, index), DRAWINGS],
        drawings,
        [image, model],
        queue=False,
        postprocess=False,
        show_progress="hidden",
        api_visibility="private",
    )
    outputs = [label, line, code]
    button.click(_classify, [image, model, top_k], outputs, api_name="classify")
    widgets.run_on_change([image, model], _classify, [image, model, top_k], outputs)


@jobs.guarded
def _classify(image, model, top_k):
    """Name what is in a picture: the `top_k` likeliest classes with their probabilities."""
    result = classification.classify(image, model, top_k)
    shares = {each.label: each.probability for each in result.predictions}
    return shares, widgets.receipt_line(result.run), _code(result.run.model, top_k)


def _code(model, top_k):
    return (
        "from models import classification\n\n"
        f'classification.classify("picture.png", model="{model}", top_k={top_k:g})'
    )


def warm_up():
    """Load and compile the default model, and the one that a click on an example picks."""
    for model in (None, DRAWINGS):
        classification.classify(np.zeros((64, 64, 3), np.uint8), model)
