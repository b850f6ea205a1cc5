"""Sessions: begun without describing the page, and the same as Gradio's own when asked."""

import secrets

import gradio as gr
import httpx
import pytest
from gradio.state_holder import SessionState

from serving.sessions import Session, Sessions


@pytest.fixture
def blocks():
    """A small page."""
    with gr.Blocks() as made:
        gr.Textbox("a fox", label="Prompt")
        with gr.Row():
            gr.Slider(1, 10, 5, label="Classes shown")
        gr.State([1])
    return made


def text_of(blocks):
    """The id of the page's text."""
    return next(key for key, block in blocks.blocks.items() if isinstance(block, gr.Textbox))


@pytest.fixture
def sessions(blocks):
    """The sessions of the page, of which it keeps two."""
    blocks.state_session_capacity = 2
    made = Sessions()
    made.set_blocks(blocks)
    return made


def test_a_session_begins_with_nothing_described(sessions):
    assert sessions["a"].config_values == {}


def test_a_session_describes_what_gradios_own_does(blocks, sessions):
    theirs, text = SessionState(blocks), text_of(blocks)
    for session in (theirs, sessions["a"]):
        session._update_value_in_config(text, "a hen")
        session[text] = gr.Textbox("an owl", label="Another", render=False)
        session._update_config(text)
        session._update_value_in_config(text, "a cat")
    described = list(sessions["a"].components)
    assert described == list(theirs.components)
    assert described[0]["props"]["value"] == "a cat"


def test_a_visitor_changes_nothing_for_another(blocks, sessions):
    sessions["a"]._update_value_in_config(text_of(blocks), "a hen")
    assert next(iter(sessions["b"].components))["props"]["value"] == "a fox"


def test_the_session_used_longest_ago_goes(sessions):
    first = sessions["a"]
    _ = sessions["b"], sessions["a"], sessions["c"]
    assert list(sessions.session_data) == ["a", "c"]
    assert sessions["a"] is first and isinstance(first, Session)


def test_the_whole_page_is_described_as_gradio_does():
    import app

    blocks = app.page()
    assert list(Session(blocks).components) == list(SessionState(blocks).components)


def test_the_app_links_to_what_a_visitor_sees(app_url):
    """Gradio's links to a page's state are the only use of what a session describes."""
    session = secrets.token_hex(8)
    with httpx.Client(base_url=app_url, timeout=120) as client:
        data = {"data": ["A joy.", "bert_tiny_reviews"], "session_hash": session}
        asked = client.post("/gradio_api/call/sentiment", json=data).json()
        told = client.get(f"/gradio_api/call/sentiment/{asked['event_id']}").text
        assert "event: complete" in told
        link = client.get("/gradio_api/deep_link", params={"session_hash": session}).json()
        page = client.get("/config", params={"deep_link": link}).json()
    assert "A joy." in [each["props"].get("value") for each in page["components"]]
