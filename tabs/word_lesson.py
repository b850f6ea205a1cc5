"""The part of the tab that draws which teaches the model a new word from a visitor's pictures.

Knows nothing of how a model is run.
"""

import secrets
from pathlib import Path

import gradio as gr
from gradio.utils import get_upload_folder

from models import new_word
from models.checks import BadInput
from tabs import jobs, widgets

EXAMPLE = "robot"  # a thing that no bundled model has seen, with pictures 1 to 5
LEAD = (
    f"Give {new_word.FEWEST} to {new_word.MOST} drawings of one thing, in unlike places, and a "
    "word for it. It takes a minute on two cores. A thing alone comes out best: others beside it "
    "come out like it. Prompts without the word are drawn as before."
)
STOPPED = "Stopped; nothing was taught."


def build(model):
    """Create the components and the lesson's events.

    Args:
        model: the picker's component.

    Returns:
        The gr.State of what was taught, a Taught or None, and the events that lessons are.
    """
    taught = gr.State()
    with gr.Accordion(
        "Teach it a new word", open=False, elem_classes=["settings", "later"], elem_id="word"
    ):
        gr.HTML(f'<p class="quiet">{LEAD}</p>', padding=False)
        with gr.Column(elem_classes="class"):
            word = gr.Textbox(
                label="The word", placeholder=EXAMPLE, max_lines=1, max_length=new_word.LETTERS
            )
            pictures = widgets.pictures_input("Pictures of it", 6)
        steps = gr.Slider(
            20, new_word.MOST_STEPS, new_word.STEPS, step=20, label="Steps of the lesson"
        )
        example = gr.Button("Try a robot", size="sm")
        with gr.Row():
            teach = gr.Button("Teach", size="lg")
            stop = gr.Button("Stop", size="lg", interactive=False, scale=0, min_width=110)
        told = gr.HTML("", padding=False, elem_id="word-lesson")
    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    buttons = [teach, stop, example]
    filled = example.click(_example, None, [word, pictures], **quiet)
    given, shown, lessons = [word, pictures, model, steps], [*buttons, told], []
    for trigger in (teach.click, filled.success):
        begun = trigger(_begin, None, shown, queue=False, **quiet)
        lesson = begun.then(
            _teach, given, [taught, told], concurrency_limit=1, concurrency_id="lesson", **quiet
        )
        lesson.success(_end, None, buttons, queue=False, **quiet)
        lesson.failure(_failed, None, shown, queue=False, **quiet)
        lessons.append(lesson)
    stop.click(_stop, None, shown, cancels=lessons, queue=False, **quiet)
    return taught, lessons


def _example():
    return EXAMPLE, widgets.pictures(f"{EXAMPLE}-{place}" for place in range(1, 6))


def _begin():
    return *_buttons(False), widgets.told("Getting ready")


def _end():
    return _buttons(True)


def _failed():
    return *_buttons(True), ""


def _stop():
    return *_buttons(True), widgets.told(STOPPED)


def _buttons(idle):
    """Teach, Stop and the example's."""
    return tuple(gr.Button(interactive=each) for each in (idle, not idle, idle))


@jobs.guarded
def _teach(word, gallery, model, steps):
    """Teach a word; gives what was taught, in the end, and how far the lesson is."""
    if not gallery:
        raise BadInput(f"There are no pictures yet. Give {new_word.FEWEST} or more of one thing.")
    path = Path(get_upload_folder(), secrets.token_hex(8), "word.npz")
    pictures = [picture for picture, _ in gallery]
    first = None
    for lesson in new_word.learn(word, pictures, path, model, steps):
        first = first or lesson
        taught = lesson.taught or gr.skip()  # an earlier word stays until this one is learned
        yield taught, widgets.told(_progress(lesson, first), lesson.index / lesson.total)


def _progress(lesson, first):
    """How far a lesson is; until the first steps were done, most of the time went into a graph."""
    if lesson.taught:
        took = widgets.duration(lesson.run.seconds)
        return f"Taught in {took}: write “{lesson.taught.word}” in what you would like to see."
    so_far = f"Step {lesson.index} of {lesson.total}, loss {lesson.loss:.2f}"
    if lesson.index == first.index:
        return f"{so_far}."
    each = (lesson.run.seconds - first.run.seconds) / (lesson.index - first.index)
    left = widgets.duration(each * (lesson.total - lesson.index))
    return f"{so_far}, about {left} left."
