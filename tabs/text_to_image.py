"""The tab that draws pictures from a prompt, with previews while they come out of the noise.

Knows nothing of how a model is run.
"""

import functools
import html

import gradio as gr

from models import catalog, checks, new_word, text_to_image
from tabs import jobs, model_picker, widgets, word_lesson

TITLE = "Text to image"
LEAD = "Say what you would like to see, and watch it come out of the noise."
EXAMPLES = (
    "a dog in a meadow",
    "a penguin in the snow",
    "a rocket in space",
    "a red car in a city",
    "a sailboat at sea",
    "an owl at night",
    "a cactus in the desert",
    "a birthday cake",
)
SETTINGS = "meadow, beach, sea, forest, desert, snow, night, city, room, space"
STOPPED = "Stopped. The picture so far stays."
DRAW = """() => {
  const draw = document.querySelector('#draw');
  draw.click();
  draw.scrollIntoView();
}"""


def build():
    """Create the tab's components and events."""
    widgets.heading(LEAD)
    with widgets.pair():
        with widgets.input_side():
            prompt, draw, stop = _request()
            model = model_picker.build("text_to_image")
            _vocabulary()
            taught, lessons = word_lesson.build(model)
            with widgets.settings():
                negative, steps, guidance, count, keep = _sliders()
                seed, lock = widgets.seed_row()
            widgets.examples(list(EXAMPLES), prompt)
        with widgets.result_side():
            gallery = _gallery()
            status = gr.HTML("", padding=False, elem_id="drawing")
            stopped = gr.HTML(widgets.told(STOPPED), padding=False, visible=False)
            drawn_words, drawn_seed, edited, change, editor = _editor()
            line, code = widgets.receipt()
    buttons = [draw, stop, change]
    shown = [*buttons, status, stopped]
    outputs = [gallery, status, line, code]
    model.change(_usual_guidance, model, guidance, **_quiet())
    asked = gr.State(("", 0))  # words and seed of what is being drawn, whatever is set meanwhile
    begun = gr.on(
        [draw.click, prompt.submit],
        _begin,
        [prompt, seed, lock],
        [asked, seed, *shown],
        **_quiet(),
    )
    given = [prompt, negative, model, steps, guidance, count, seed]
    # The API's own, without what a visitor has taught: a program would have to send a place for it.
    gr.Button(visible=False).click(_draw, given, outputs, api_name="text_to_image")
    drawn = begun.then(
        _draw, [*given, taught], outputs, api_visibility="private", show_progress="hidden"
    )
    for lesson in lessons:
        worded = lesson.success(_words_for, taught, prompt, **_quiet())
        worded.success(None, None, None, js=DRAW, **_quiet())
    offered = [drawn_words, drawn_seed, edited, editor]
    drawn.success(_offer, [asked, model, taught], offered, **_quiet())
    changed = gr.on([change.click, edited.submit], _ready, None, shown, **_quiet()).then(
        _edit,
        [drawn_words, edited, negative, model, steps, guidance, drawn_seed, keep],
        outputs,
        api_name="edit",
        show_progress="hidden",
    )
    for job in (drawn, changed):
        job.success(_end, None, buttons, **_quiet())
        job.failure(_failed, None, [*buttons, status], **_quiet())
    stop.click(_stop, None, shown, cancels=[drawn, changed], **_quiet())


def _quiet():
    return {"api_visibility": "private", "show_progress": "hidden", "queue": False}


def _request():
    prompt = gr.Textbox(
        EXAMPLES[0],  # so that the first click draws something
        label="Your picture in words",
        placeholder=EXAMPLES[0],
        lines=2,
        max_lines=6,
        submit_btn=False,
    )
    with gr.Row():
        draw = widgets.action("Draw", elem_id="draw")
        stop = gr.Button("Stop", size="lg", interactive=False, scale=0, min_width=110)
    return prompt, draw, stop


def _sliders():
    negative = gr.Textbox(label="Not in the picture", placeholder="snow", max_lines=3)
    steps = gr.Slider(
        1,
        text_to_image.MOST_STEPS,
        text_to_image.STEPS,
        step=1,
        label="Steps",
        info="More are slower and finer",
    )
    guidance = gr.Slider(
        1,
        text_to_image.MOST_GUIDANCE,
        catalog.default("text_to_image").guidance,
        step=0.5,
        label="Guidance",
        info="How strictly the words are followed",
    )
    count = gr.Slider(1, text_to_image.MOST_IMAGES, 1, step=1, label="Pictures")
    keep = gr.Slider(
        0,
        1,
        text_to_image.KEEP,
        step=0.05,
        label="Kept when words change",
        info="More leaves more where it was",
    )
    return negative, steps, guidance, count, keep


def _gallery():
    return gr.Gallery(
        label="The picture",
        show_label=False,
        columns=2,
        height="fit-content",  # "auto" would cut a large picture off
        object_fit="contain",
        format="png",
        interactive=False,
        elem_id="pictures",
    )


def _editor():
    """What changes the words of a picture that is there; hidden until there is one."""
    with gr.Column(visible=False) as editor:
        # Of the last picture that was finished: a try that failed or was stopped changes neither.
        drawn_words = gr.Textbox(label="Drawn", visible="hidden")
        drawn_seed = widgets.seed_number("Drawn with the seed", visible="hidden")
        edited = gr.Textbox(
            label="Change the words, keep the picture",
            placeholder="a cat in a meadow",
            max_lines=3,
            submit_btn=False,
        )
        change = gr.Button("Change", size="lg")
    return drawn_words, drawn_seed, edited, change, editor


def _vocabulary():
    """Say which things and settings the default model can draw."""
    things = ", ".join(catalog.labels(catalog.of("text_to_image")[0].id))
    with gr.Accordion(
        "What the bundled model can draw", open=False, elem_classes=["settings", "later"]
    ):
        gr.HTML(
            f'<p class="quiet"><strong>Things</strong> {html.escape(things)}.</p>'
            f'<p class="quiet"><strong>Places</strong> {SETTINGS}.</p>'
        )


def _usual_guidance(name):
    """Set the guidance that a model draws best with."""
    return catalog.get(name).guidance


def _words_for(taught):
    """A prompt with the word that was taught, in a place that its pictures may not show."""
    return f"a {taught.word} in the snow"


def _offer(asked, model, taught):
    """Show the prompt of what was drawn, to be changed, where the model can keep the picture."""
    prompt, seed = asked
    keeps = catalog.get(model).edits and not new_word.means(taught, prompt, model)
    return prompt, seed, prompt, gr.Column(visible=keeps)


def _begin(prompt, seed, lock):
    """Draw a new seed unless it is locked; remember it and the prompt; turn Stop on."""
    seed = seed if lock else checks.seed(None)
    return (prompt, seed), seed, *_ready()


def _ready():
    """Turn Stop on."""
    return (
        *_buttons(False),
        gr.HTML(widgets.told("Getting ready"), visible=True),
        gr.HTML(visible=False),
    )


def _end():
    return _buttons(True)


def _failed():
    return *_buttons(True), gr.HTML("")


def _stop():
    """Turn Draw on; hide the steps, of which one may still come in from the work that ends."""
    return *_buttons(True), gr.HTML(visible=False), gr.HTML(visible=True)


def _buttons(idle):
    """Draw, Stop and Change."""
    return tuple(gr.Button(interactive=each) for each in (idle, not idle, idle))


def _one_by_one(*values):
    """Draw the same pictures with less memory."""
    return _drawn(*values, at_once=1)


@functools.partial(jobs.guarded, smaller=_one_by_one)
def _draw(prompt, negative_prompt, model, steps, guidance_scale, batch_size, seed, taught=None):
    """Draw `batch_size` pictures of a prompt, away from the negative prompt; previews on the way.

    The same prompt, seed and settings give the same pictures.
    """
    given = prompt, negative_prompt, model, steps, guidance_scale, batch_size, seed
    yield from _drawn(*given, taught)


@jobs.guarded
def _edit(prompt, edited_prompt, negative_prompt, model, steps, guidance_scale, seed, keep):
    """Draw a prompt and, beside it, the same picture with changed words (prompt-to-prompt).

    `keep` is the share of the steps in which the second picture follows the first one.
    """
    given = {"prompt": prompt, "edited_prompt": edited_prompt, "negative_prompt": negative_prompt}
    options = {"steps": steps, "guidance_scale": guidance_scale, "keep": keep}
    stream = text_to_image.edit(**given, model=model, seed=seed, **options)
    for step, told in _shown(stream, (prompt, edited_prompt), model):
        code = _code("edit", given, options, step.run)
        yield list(zip(step.previews, (prompt, edited_prompt), strict=True)), *told, code


def _drawn(
    prompt, negative_prompt, model, steps, guidance_scale, batch_size, seed, taught=None, **more
):
    given = {"prompt": prompt, "negative_prompt": negative_prompt}
    options = {"steps": steps, "guidance_scale": guidance_scale, "batch_size": batch_size}
    taught = taught if new_word.means(taught, prompt, model) else None
    if taught:
        stream = new_word.draw(taught, **given, seed=seed, **options, **more)
    else:
        stream = text_to_image.generate(**given, model=model, seed=seed, **options, **more)
    for step, told in _shown(stream, (prompt,), model, taught):
        code = _code("generate", given, options, step.run, taught)
        yield list(step.previews), *told, code


def _shown(stream, prompts, model, taught=None):
    """Each step that has previews, and what the page says of it: progress and receipt."""
    left_out = None
    for step in stream:
        if step.previews is not None:
            left_out = _left_out(prompts, model, taught) if left_out is None else left_out
            told = widgets.told(_progress(step) + left_out, step.index / step.total)
            yield step, (told, widgets.receipt_line(step.run, _note(taught)))


def _note(taught):
    return f"taught “{taught.word}”" if taught else ""


def _progress(step):
    if step.images is not None:
        return "Done."
    left = step.run.seconds / step.index * (step.total - step.index)
    return f"Step {step.index} of {step.total}, about {widgets.duration(left)} left."


def _left_out(prompts, model, taught):
    words = dict.fromkeys(
        word for each in prompts for word in text_to_image.passed_over(each, model)
    )
    if taught:
        words.pop(taught.word, None)
    return f" It does not know {', '.join(words)} and left that out." if words else ""


def _code(verb, given, options, run, taught=None):
    """Python that draws it again; `given` are texts, of which empty ones go without saying."""
    told = [f"{name}={value!r}" for name, value in given.items() if value]
    told += [] if taught else [f'model="{run.model}"']
    told += [f"{name}={value:g}" for name, value in options.items()]
    told += [f"seed={run.seed}"]
    listed = "".join(f"    {each},\n" for each in told)
    begin = f"from models import text_to_image\n\nsteps = text_to_image.{verb}(\n"
    if taught:
        begin = (
            "from models import new_word\n\n"
            "# `pictures` are the paths of those that you gave.\n"
            f'*_, lesson = new_word.learn("{taught.word}", pictures, "word.npz", '
            f"steps={taught.steps})\nsteps = new_word.draw(\n    lesson.taught,\n"
        )
    return f"{begin}{listed})\nimages = list(steps)[-1].images"


def warm_up():
    """Load the default model and compile it for one picture, and for one that follows another."""
    list(text_to_image.edit("a dog", "a cat", steps=2, seed=0, keep=0.5))
