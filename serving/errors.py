"""Readable words for what goes wrong outside of a handler: values of a wrong kind, a full disk.

Knows no tab.
"""

import gradio as gr
from gradio.exceptions import ComponentProcessingError
from pydantic import ValidationError

from serving import temporary


class Page(gr.Blocks):
    """gr.Blocks that says what is wrong with a value, or that the disk has no room."""

    async def preprocess_data(self, block_fn, inputs, *others, **named):
        """Read what came for the inputs of an event."""
        try:
            return await super().preprocess_data(block_fn, inputs, *others, **named)
        except (ComponentProcessingError, ValidationError) as error:
            raise gr.Error(_wrong(block_fn.inputs, inputs), print_exception=False) from error

    async def process_api(self, *values, **named):
        """Run an event."""
        try:
            return await super().process_api(*values, **named)
        except Exception as error:
            if temporary.full(error):
                raise gr.Error(temporary.NO_ROOM, print_exception=False) from error
            raise


def _wrong(components, values):
    """What to say of values that components cannot read; a slider's number may be deleted."""
    for component, value in zip(components, values, strict=False):
        if isinstance(component, gr.Slider) and not isinstance(value, int | float):
            return f"{component.label} needs a number. Type one, or move its slider."
    return "A value of a wrong kind came. Choose each one again, or reload the page."
