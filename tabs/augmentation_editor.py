"""The editor of a chain of augmentation layers: ready-made chains, add, move, remove, parameters.

Runs no layer. The chain is a list of {"layer": name, **parameters}, as models/augmentation reads
it; here each has an "id" besides, so that a control knows its layer after others have moved.
"""

import html
from functools import partial
from itertools import count

import gradio as gr

from models import augmentation_chain
from models.augmentation_chain import CHAINS
from models.augmentation_layers import LAYERS

OWN = "A chain of your own"
_LIGHT = {"api_visibility": "private", "show_progress": "hidden"}
_FREE = [name for name, row in LAYERS.items() if not (row.holds or row.alone or row.resizes)]
_ids = count(1)


def build(title):
    """Create the editor with the ready-made chain `title`.

    Returns:
        State whose value is the chain as `augmentation.augment` takes it; it changes with each
        edit.
    """
    items = _items(CHAINS[title])
    wanted = gr.State(_bare(items))
    edited = gr.State(items)  # the chain as it is now, with ids
    drawn = gr.State({"items": items, "open": None})  # what the cards show; not touched by sliders
    ready = gr.Dropdown(
        [*CHAINS, OWN],
        value=title,
        label="Layers, in the order they run",
        filterable=False,
        elem_classes="later",
        elem_id="ready-made",
    )
    with gr.Group(elem_classes="later", elem_id="chain"):
        gr.render(inputs=drawn, show_progress="hidden")(
            partial(_cards, edited, drawn, wanted, ready)
        )
    add = gr.Dropdown(
        [(f"{row.group} · {name}", name) for name, row in LAYERS.items()],
        value=None,
        label="Add a layer",
        elem_classes="later",
        elem_id="add-layer",
    )
    ready.change(_load, ready, [edited, drawn, wanted], **_LIGHT)
    add.change(_add, [add, edited], [edited, drawn, wanted, add, ready], **_LIGHT)
    return wanted


def _cards(edited, drawn, wanted, ready, shown):
    """Draw a folded card per layer."""
    items = shown["items"]
    for place, item in enumerate(items):
        row = LAYERS[item["layer"]]
        with gr.Accordion(f"{place + 1} · {row.name}", open=item["id"] == shown["open"]):
            gr.HTML(f'<p class="quiet">{html.escape(row.help)}</p>', padding=False)
            for parameter in row.parameters:
                _control(parameter, item, edited, wanted)
            with gr.Row():
                actions = {
                    "Earlier": (_move, -1, place > 0),
                    "Later": (_move, 1, place < len(items) - 1),
                    "Remove": (_remove, None, True),
                }
                for text, (change, by, possible) in actions.items():
                    button = gr.Button(text, size="sm", min_width=60, interactive=possible)
                    button.click(
                        partial(change, item["id"], by),
                        edited,
                        [edited, drawn, wanted, ready],
                        **_LIGHT,
                    )
    if not items:
        gr.HTML('<p class="quiet">No layer: the pictures come out as they are.</p>', padding=False)


def _control(parameter, item, edited, wanted):
    """Draw the control of one parameter and let it write its value into the chain."""
    value = item[parameter.name]
    draw = _CONTROLS[parameter.kind]
    parts = draw(parameter, value)
    events = [part.release if isinstance(part, gr.Slider) else part.input for part in parts]
    gr.on(
        events,
        partial(_set, item["id"], parameter),
        [edited, *parts],
        [edited, wanted],
        **_LIGHT,
    )


def _slider(parameter, value, end=""):
    return gr.Slider(
        parameter.low,
        parameter.high,
        value,
        step=parameter.step,
        label=parameter.name + end,
        info=None if end == ", to" else parameter.help,
        buttons=[],  # a reset would not tell the chain
        interactive=True,
    )


def _one(parameter, value):
    return [_slider(parameter, value)]


def _side(parameter, value):
    return [_slider(parameter, value[0])]


def _two(parameter, value):
    """Two sliders; where a layer may go without the parameter, a box before them that sets it."""
    low, high = value or (-0.3, 0.3)
    box = [] if parameter.default else _flag(parameter, value is not None)
    with gr.Column(visible=value is not None) as sliders:
        ends = [_slider(parameter, low, ", from"), _slider(parameter, high, ", to")]
    for each in box:
        each.input(lambda on: gr.Column(visible=on), each, sliders, **_LIGHT)
    return [*ends, *box]


def _choice(parameter, value):
    return [_menu(parameter, parameter.choices, value)]


def _flag(parameter, value):
    label, info = parameter.name, parameter.help
    return [gr.Checkbox(value, label=label, info=info, interactive=True)]


def _layer(parameter, value):
    return [_menu(parameter, _FREE, value["layer"])]


def _layers(parameter, value):
    return [_menu(parameter, _FREE, [each["layer"] for each in value], multiselect=True)]


def _menu(parameter, choices, value, multiselect=False):
    return gr.Dropdown(
        list(choices),
        value=value,
        multiselect=multiselect,
        label=parameter.name,
        info=parameter.help,
        interactive=True,
    )


_CONTROLS = {
    "number": _one,
    "whole": _one,
    "span": _two,
    "whole_span": _two,
    "size": _side,
    "choice": _choice,
    "flag": _flag,
    "layer": _layer,
    "layers": _layers,
}


def _set(key, parameter, items, *values):
    """Write what a control shows into the layer `key`; the cards stay as they are."""
    items = [
        item | {parameter.name: _read(parameter, values)} if item["id"] == key else item
        for item in items
    ]
    return items, _bare(items)


def _read(parameter, values):
    if parameter.kind in ("span", "whole_span"):
        low, high, *on = values
        return sorted((low, high)) if all(on) else None
    return [values[0]] * 2 if parameter.kind == "size" else values[0]


def _load(title):
    """Take a ready-made chain; the visitor's own is what is there already."""
    return tuple(gr.skip() for _ in range(3)) if title == OWN else _states(_items(CHAINS[title]))


def _add(name, items):
    """Put a layer at the end and show its card open; None is the menu being emptied again."""
    if name is None:
        return tuple(gr.skip() for _ in range(5))
    added = _items([name])
    return *_states(items + added, added[0]["id"]), None, OWN


def _move(key, by, items):
    place = next(i for i, item in enumerate(items) if item["id"] == key)
    items = list(items)
    items.insert(max(0, place + by), items.pop(place))
    return *_states(items, key), OWN


def _remove(key, _, items):
    return *_states([item for item in items if item["id"] != key]), OWN


def _states(items, opened=None):
    """The chain with ids, what the cards show, and the chain for `augment`."""
    return items, {"items": items, "open": opened}, _bare(items)


def _items(layers):
    return [{"id": next(_ids), **step.as_json()} for step in augmentation_chain.chain(layers)]


def _bare(items):
    return [{name: value for name, value in item.items() if name != "id"} for item in items]
