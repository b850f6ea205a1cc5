"""The tab that teaches a classifier classes of the visitor's own from a few pictures of each.

Knows nothing of how a model is run.
"""

import html
import math
import re
import tempfile
from pathlib import Path

import gradio as gr
import pandas as pd
from gradio.utils import get_upload_folder

from models import catalog, checks, fine_tuning, images
from models.checks import BadInput
from tabs import jobs, model_picker, widgets

TITLE = "Fine-tune"
LEAD = "Give a few pictures of two things, and teach a model to tell them apart."
FIRST = 2  # classes that show at the beginning
EXAMPLE = ("cat", "dog")  # classes of the example, each with pictures 1 to 6
NEW = ("cat-7", "dog-7", "dog-8", "cat-8")
SEEN, UNSEEN = "pictures learned from", "pictures held out"
WAITING = '<p class="lead">Teach it first, then show it something new.</p>'
NAMELESS = "Class {} has pictures, but no name. Give it one."
TWICE = "Two classes are called {!r}. Give each a name of its own."


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    taught = gr.State()
    with widgets.pair():
        with widgets.input_side():
            names, galleries, example = _classes()
            button = widgets.action("Teach")
            model = model_picker.build("classification")
            with widgets.settings():
                epochs = gr.Slider(
                    1, fine_tuning.MOST_EPOCHS, fine_tuning.EPOCHS, step=1, label="Epochs"
                )
        with widgets.result_side():
            told = gr.HTML(WAITING, padding=False, elem_id="lesson")
            with gr.Row():
                image = widgets.image_input("A new picture")
                label = gr.Label(label="It is probably", elem_classes="big-label")
            new = widgets.gallery(NEW, image, "Or try one of these")
            curves = _curves_plot()
            keep = gr.Button("Keep it as a Keras model", size="sm", visible=False)
            file = gr.File(
                label="Your Keras model; the code below runs it", visible=False, elem_id="kept"
            )
            line, code = widgets.receipt()
    quiet = {"api_visibility": "private", "show_progress": "hidden"}
    gr.on([each.change for each in galleries], fine_tuning.start, **quiet)
    given = [model, epochs, *names, *galleries]
    lesson = _teach, given, [taught, told, curves, line, code, keep, file]
    question = _classify_taught, [image, taught], [label, line]
    filled = example.click(_example, None, [*names[:FIRST], *galleries[:FIRST]], **quiet)
    for begin in (button.click, filled.then):
        begin(*lesson, api_visibility="private").success(*question, api_visibility="private")
    image.change(*question, api_visibility="private")
    keep.click(_keep, taught, [file, code], api_visibility="private")
    new.click(
        lambda index: widgets.chosen(new, index),
        *(new, image),
        queue=False,
        postprocess=False,
        **quiet,
    )
    _endpoint()


def _classes():
    """Names and pictures of each class, and a button that fills in two of them.

    Two show at first, and a button shows one more.
    """
    names, galleries, groups = [], [], []
    for place in range(1, fine_tuning.CLASSES + 1):
        with gr.Column(visible=place <= FIRST, elem_classes="class") as group:
            names.append(
                gr.Textbox(
                    label=f"Class {place}",
                    placeholder="Its name",
                    max_lines=1,
                    max_length=fine_tuning.NAME,
                )
            )
            galleries.append(widgets.pictures_input(f"Pictures of class {place}", 6))
        groups.append(group)
    with gr.Row():
        example = gr.Button("Try cats and dogs", size="sm", min_width=120)
        more = gr.Button("Add a class", size="sm", min_width=120)
    shown = gr.State(FIRST)
    more.click(
        _one_more,
        shown,
        [shown, more, *groups[FIRST:]],
        api_visibility="private",
        show_progress="hidden",
    )
    return names, galleries, example


def _one_more(shown):
    shown = min(shown + 1, fine_tuning.CLASSES)
    groups = [gr.update(visible=place < shown) for place in range(FIRST, fine_tuning.CLASSES)]
    return shown, gr.update(visible=shown < fine_tuning.CLASSES), *groups


def _curves_plot():
    return gr.LinePlot(
        x="epoch",
        y="loss",
        color="of",
        x_title="Epoch",
        y_title="Loss",
        color_title=" ",
        color_map={SEEN: "#8a8580", UNSEEN: "#e03131"},
        height=220,
        show_label=False,
        visible=False,
        elem_id="curves",
    )


def _example():
    """Two names, then the pictures of each."""
    return [
        *EXAMPLE,
        *(widgets.pictures(f"{name}-{place}" for place in range(1, 7)) for name in EXAMPLE),
    ]


@jobs.guarded
def _teach(model, epochs, *names_and_galleries):
    """Teach the classes that have a name or pictures."""
    names = names_and_galleries[: fine_tuning.CLASSES]
    galleries = names_and_galleries[fine_tuning.CLASSES :]
    pictures = {}
    for place, (given, gallery) in enumerate(zip(names, galleries, strict=True), 1):
        name, paths = (given or "").strip(), [path for path, _ in gallery or []]
        if paths and not name:
            raise BadInput(NAMELESS.format(place))
        if name in pictures:
            raise BadInput(TWICE.format(name))
        if name:
            pictures[name] = paths
    tuned = fine_tuning.fit(pictures, model, epochs)
    line = widgets.receipt_line(tuned.run, f"a new head, fitted by Keras in {epochs:g} epochs")
    curves = gr.LinePlot(_curves(tuned), visible=True)
    told, code = _told(tuned, pictures), _code(tuned, pictures, epochs)
    return tuned, told, curves, line, code, gr.Button(visible=True), gr.File(visible=False)


@jobs.guarded
def _classify_taught(image, tuned):
    """Name what is in a picture, once there is one and classes have been taught."""
    if image is None or tuned is None:
        return gr.skip(), gr.skip()
    found = fine_tuning.classify(image, tuned)
    return _shares(found), widgets.receipt_line(found.run, _checked(tuned))


@jobs.guarded
def _keep(tuned):
    """Write the taught classifier as a file to download, and the code that runs it."""
    if tuned is None:
        raise BadInput(fine_tuning.UNTAUGHT)
    name = re.sub(r"\W+", "-", " ".join(("classifier", *tuned.classes)))[:40] + ".keras"
    path = Path(tempfile.mkdtemp(dir=get_upload_folder()), name)
    fine_tuning.save(tuned, path)
    return gr.update(value=str(path), visible=True), _loading(tuned, name)


def _loading(tuned, name):
    needed = fine_tuning.needs(tuned)
    also = f"\nimport {needed}  # of this app\n" if needed else ""
    return (
        f"import keras\n{also}\nmodel = keras.saving.load_model({name!r})\n"
        'picture = keras.utils.img_to_array(keras.utils.load_img("picture.png"))\n'
        "shares = model.predict(picture[None])[0]\n"
        f"print(dict(zip({tuned.classes!r}, shares)))"
    )


def _shares(found):
    return {each.label: each.probability for each in found.predictions}


def _checked(tuned):
    return f"{tuned.right} of {len(tuned.guessed)} right when held out"


def _told(tuned, pictures):
    """Return how the check went, as HTML: how many are right, how sure that is, and mistakes."""
    count = len(tuned.guessed)
    low, high = _interval(tuned.right, count)
    own = [(name, place) for name, given in pictures.items() for place in range(1, len(given) + 1)]
    wrong = [
        f"{name} {place} was taken for {guess}"
        for (name, place), guess in zip(own, tuned.guessed, strict=True)
        if name != guess
    ]
    mistakes = f"<p>Of yours, {html.escape('; '.join(wrong))}.</p>" if wrong else ""
    return (
        f'<p class="lead">{tuned.right} of {count} pictures named right by a head that had not '
        f"seen them.</p>{mistakes}"
        f'<p class="quiet">Each was held out in turn (cross-validation). With so few, {low:.0f} to '
        f"{high:.0f} % of new ones may come out right, if they are like these.</p>"
    )


def _interval(right, of):
    """Wilson's 95 % interval for a share (Wilson 1927), in percent."""
    z = 1.96
    middle, share = of + z * z, right / of
    spread = z * math.sqrt(of * share * (1 - share) + z * z / 4)
    return tuple(100 * (right + z * z / 2 + sign * spread) / middle for sign in (-1, 1))


def _curves(tuned):
    """The losses as a table, a row for each epoch and kind of picture."""
    return pd.DataFrame(
        [
            {"epoch": epoch, "loss": loss, "of": kind}
            for kind, losses in ((SEEN, tuned.loss), (UNSEEN, tuned.held_out_loss))
            for epoch, loss in enumerate(losses, 1)
        ]
    )


def _code(tuned, pictures, epochs):
    given = "".join(
        f"    {name!r}: {[Path(path).name for path in paths]!r},\n"
        for name, paths in pictures.items()
    )
    return (
        f"from models import fine_tuning\n\npictures = {{\n{given}}}\n"
        f'tuned = fine_tuning.fit(pictures, model="{tuned.run.model}", epochs={epochs:g})\n'
        'fine_tuning.classify("picture.png", tuned)'
    )


def _endpoint():
    """The API's own endpoint: files and the class of each, rather than galleries."""
    with gr.Group(visible=False):
        pictures = gr.File(file_count="multiple", label="Pictures")
        classes = gr.JSON(label="Their classes")
        image = widgets.image_input("Image")
        model = gr.Textbox(catalog.default("classification").id, label="Model")
        epochs = gr.Number(fine_tuning.EPOCHS, precision=0, label="Epochs")
        label, check, call = gr.Label(), gr.JSON(), gr.Button()
    inputs = [pictures, classes, image, model, epochs]
    call.click(_fine_tune, inputs, [label, check], api_name="fine_tune")


@jobs.guarded
def _fine_tune(pictures, classes, image, model, epochs=fine_tuning.EPOCHS):
    """Teach a classifier classes of your own, then name what is in an image.

    `classes` is a JSON list of the names of the pictures' classes, one for each. Gives the
    probability of each class, and how the check by cross-validation went.
    """
    pictures, classes = pictures or [], checks.names(classes, "classes")
    if len(pictures) != len(classes):
        raise BadInput(
            f"{len(classes)} classes came for {len(pictures)} pictures. Send the name of a class "
            "for each picture, in the same order."
        )
    groups = {name: [] for name in classes}
    for picture, name in zip(pictures, classes, strict=True):
        groups[name].append(picture)
    picture = images.read(image)  # before the lesson, which takes a while
    tuned = fine_tuning.fit(groups, model, epochs)
    check = {"right": tuned.right, "of": len(tuned.guessed), "held_out_loss": tuned.held_out_loss}
    return _shares(fine_tuning.classify(picture, tuned)), check


def warm_up():
    """Load the default model and compile it for a picture and its mirror image."""
    fine_tuning.warm_up()
