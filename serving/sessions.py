"""Visitors' sessions, begun at once: a component is described when it changes, not before.

Knows no tab. Gradio's own session begins by describing every component of the page, for links to a
page's state that nobody here asks for. That takes longer than several classifications, in the
thread that answers everybody.
"""

from types import SimpleNamespace

from gradio.state_holder import SessionState, StateHolder


def begin_at_once(blocks):
    """Begin the sessions of a launched gr.Blocks at once from now on."""
    holder = Sessions()
    holder.set_blocks(blocks)
    blocks.app.state_holder = holder


class Sessions(StateHolder):
    """The Session of each session hash; the one used longest ago goes first."""

    def __getitem__(self, session_id):
        if session_id not in self:
            self.session_data[session_id] = Session(self.blocks)
        return super().__getitem__(session_id)


class Session(SessionState):
    """What one visitor has changed on the page.

    Args:
        blocks: the gr.Blocks served.
    """

    def __init__(self, blocks):
        # Gradio describes those components that are in `blocks`, and any other one once it changes.
        super().__init__(SimpleNamespace(default_config=blocks.default_config, blocks=()))

    @property
    def components(self):
        """Yield the description of each component, a dict, as it is for this visitor now."""
        for key, block in self.blocks_config.blocks.items():
            if key not in self.config_values:
                self.config_values[key] = self.blocks_config.config_for_block(key, [], block)
            yield self.config_values[key]
