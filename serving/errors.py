"""Readable words for what goes wrong outside of a handler: values of a wrong kind, a full disk.

Knows no tab.
"""

import gradio as gr
from gradio.exceptions import ComponentProcessingError
from pydantic import ValidationError

from serving import temporary

UNREADABLE = "A value of a wrong kind came. Choose each one again, or reload the page."


class Page(gr.Blocks):
    """gr.Blocks that says what is wrong with a value, or that the disk has no room."""

    async def preprocess_data(self, block_fn, inputs, *others, **named):
        """Read what came for the inputs of an event."""
        try:
            return await super().preprocess_data(block_fn, inputs, *others, **named)
        except gr.Error as error:  # a component's own words, which do not name a number
            told = _number(block_fn.inputs, inputs)
            if not told:
                raise
            raise gr.Error(told, print_exception=False) from error
        except (ComponentProcessingError, ValidationError) as error:
            told = _number(block_fn.inputs, inputs) or UNREADABLE
            raise gr.Error(told, print_exception=False) from error

    async def process_api(self, *values, **named):
        """Run an event."""
        try:
            return await super().process_api(*values, **named)
        except Exception as error:
            if temporary.full(error):
                raise gr.Error(temporary.NO_ROOM, print_exception=False) from error
            raise


def _number(components, values):
    """What to say of the first number that is missing or out of its range; None if none is."""
    for component, value in zip(components, values, strict=False):
        number = isinstance(value, int | float)
        if isinstance(component, gr.Slider) and not number:  # as when it is deleted
            return f"{component.label} needs a number. Type one, or move its slider."
        if isinstance(component, gr.Slider | gr.Number) and number:
            low, high = component.minimum, component.maximum
            if None not in (low, high) and not low <= value <= high:
                return f"{component.label} goes from {low:.10g} to {high:.10g}. Choose within that."
    return None
