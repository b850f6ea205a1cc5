"""Requests that no page of ours sends; the numbers are those of the README's table."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.faults.conftest import CLASSIFY, DRAW, EDIT, WRITE, data_url

pytestmark = [pytest.mark.slow, pytest.mark.fault]
SECRET = "/etc/passwd"
ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("way", ["run", "api"])
def test_01_a_post_past_the_queue_is_not_there(raw, way):
    given = {"data": ["good", "bert_tiny_reviews"], "session_hash": "past"}
    assert raw.http.post(f"/gradio_api/{way}/sentiment", json=given).status_code == 404
    assert raw.begin("nothing", ["good"]).status_code == 404


def test_08_wrong_values_for_what_has_no_queue_are_no_fault_of_the_servers(raw):
    """Found by schemathesis: any handler without a queue can be called by its number."""
    handlers = raw.http.get("/config").json()["dependencies"]
    answers = [
        raw.http.post("/gradio_api/run/x", json={"data": [{"a": 1}] * 3, "fn_index": each["id"]})
        for each in handlers
        if not each["queue"]
    ]
    came = {answer.status_code for answer in answers}
    assert len(answers) > 10 and 400 in came and max(came) < 500


@pytest.mark.parametrize(
    "wrong", [99, -1, None, "x", 1.5, [], {"a": 1}, pytest.param(10**400, id="huge")]
)
def test_08_an_example_that_is_none_is_said(raw, wrong):
    config = raw.http.get("/config").json()
    [drawings] = [
        part["id"]
        for part in config["components"]
        if part["type"] == "dataset" and part["props"]["label"] == "Or try a drawing"
    ]
    [click] = [each["id"] for each in config["dependencies"] if each["inputs"] == [drawings]]
    body = {"data": [wrong], "fn_index": click}
    answer = raw.http.post("/gradio_api/run/x", json=body)
    assert answer.json()["error"] == "There is no such example. Click one of those shown."


def test_03_an_upload_over_the_limit_leaves_nothing(raw, tmp_path):
    large = tmp_path / "large.png"
    large.write_bytes(os.urandom(21_000_000))
    folder = _uploads(raw)
    before = set(folder.rglob("*"))
    with large.open("rb") as content:
        answer = raw.http.post("/gradio_api/upload", files={"files": ("large.png", content)})
    assert answer.status_code == 413
    assert set(folder.rglob("*")) == before


def test_04_a_large_body_is_refused_unread(raw):
    before = raw.process.memory_info().rss
    body = json.dumps({"data": ["x" * 16_000_000, "bert_tiny_reviews"]})
    assert raw.begin("sentiment", None, body).status_code == 413
    picture = data_url(os.urandom(15_000_000))
    assert raw.begin("classify", [picture, *CLASSIFY[1:]]).status_code == 413

    def endless():
        for _ in range(40):
            yield b"x" * 1_000_000

    answer = raw.http.post("/gradio_api/call/sentiment", content=endless())
    assert answer.status_code == 413, "a body that does not say how long it is"
    assert raw.process.memory_info().rss - before < 50e6


def as_the_page_opens(component):
    return component["props"].get("value")


def with_long_texts(component):
    return "x" * 50_000 if component["type"] == "textbox" else as_the_page_opens(component)


@pytest.mark.parametrize(
    "given",
    [as_the_page_opens, with_long_texts, lambda _: None, lambda _: {"a": 1}],
    ids=["as the page opens", "long texts", "nothing", "nonsense"],
)
def test_08_every_event_of_the_page_takes_what_it_gets(raw, given):
    """The Caption button without a picture once hung the whole app, as no endpoint did."""
    page = raw.http.get("/config").json()
    components = {each["id"]: each for each in page["components"]}
    failed = 0
    for event in page["dependencies"]:
        if event["queue"]:
            data = [given(components[number]) for number in event["inputs"]]
            told = raw.ended(event["id"], data, f"event {event['id']}")
            failed += told is not None and not told["success"]
            assert "failed on our side" not in json.dumps(told), event["api_name"]
            assert raw.http.get("/healthz", timeout=1).status_code == 200
    assert failed > 5, "nothing was refused"


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "true", "null", '"x"', "[1]"])
@pytest.mark.parametrize("place", [2, 4, 5, 6, 8])
def test_08_numbers_that_are_none(raw, place, wrong):
    data = [*WRITE[:place], "@", *WRITE[place + 1 :]]
    data[3] = {5: "top_k", 8: "beam"}.get(place, "top_p")
    raw.refused("generate", None, json.dumps({"data": data}).replace('"@"', wrong))


def test_08_a_number_that_was_deleted_is_named(raw):
    told = raw.refused("generate", [*WRITE[:4], None, *WRITE[5:]])
    assert told == "Temperature needs a number. Type one, or move its slider."


@pytest.mark.parametrize(
    ("place", "wrong", "message"),
    [
        (2, 5000, "Length, in new tokens goes from 1 to 1000. Choose within that."),
        (4, 10**400, "Temperature goes from 0.05 to 2. Choose within that."),
        (7, 2**31, "Seed goes from 0 to 2147483647. Choose within that."),
    ],
)
def test_08_a_number_out_of_range_is_named(raw, place, wrong, message):
    assert raw.refused("generate", [*WRITE[:place], wrong, *WRITE[place + 1 :]]) == message


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        *[(1, wrong) for wrong in ("gpt5", 5, ["x"], {"a": 1}, "resnet_cifar10")],
        *[(2, wrong) for wrong in (0, -1, 5.5, 1e308, 10**30)],
        *[(3, wrong) for wrong in ("zzz", 5, None)],
        *[(4, wrong) for wrong in (0, -1, 2.5)],
        *[(6, wrong) for wrong in (0, 1.5)],
        *[(7, wrong) for wrong in (-1, 2**31, 2**40)],
    ],
)
def test_08_values_out_of_range(raw, place, wrong):
    raw.refused("generate", [*WRITE[:place], wrong, *WRITE[place + 1 :]])


@pytest.mark.parametrize(
    ("place", "wrong"), [(0, ""), (0, None), (3, 0), (3, 1.5), (4, 0), (5, 5), (5, 1.5), (6, -1)]
)
def test_08_drawing_takes_no_wrong_values(raw, place, wrong):
    raw.refused("text_to_image", [*DRAW[:place], wrong, *DRAW[place + 1 :]])


@pytest.mark.parametrize(
    ("place", "wrong"), [(0, ""), (1, None), (1, ""), (4, 0), (7, 1.5), (7, -1), (7, None)]
)
def test_08_editing_takes_no_wrong_values(raw, place, wrong):
    raw.refused("edit", [*EDIT[:place], wrong, *EDIT[place + 1 :]])


def test_08_bodies_that_are_no_requests(raw):
    assert raw.begin("generate", None, "not json").status_code == 422
    assert raw.begin("generate", None, "{}").status_code == 422
    assert raw.begin("generate", None, "[" * 100_000).status_code == 400
    assert raw.refused("generate", WRITE[:3])


LONG = ("x" * 3_000_000, "word " * 600_000)


@pytest.mark.parametrize("text", [*LONG, "", "  \n\t ", "\x00", "\ud800"], ids=lambda t: t[:8])
def test_09_texts_that_say_nothing_or_too_much(raw, text):
    began = time.monotonic()
    raw.refused("sentiment", [text, "bert_tiny_reviews"])
    raw.refused("generate", [text, *WRITE[1:]])
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("text", ["😀" * 3000, "שלום עולם", "a\x00b", "a\ud800b", "\u202egnp.x"])
def test_09_odd_texts_get_an_answer(raw, text):
    event, _ = raw.call("sentiment", [text, "bert_tiny_reviews"])
    assert event == "complete"
    event, told = raw.call("generate", [text, *WRITE[1:]])
    assert event == "complete", told


@pytest.mark.parametrize(
    "path",
    [
        f"/gradio_api/file={SECRET}",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=..%2f..%2f..%2fetc%2fpasswd",
        f"/gradio_api/file={ROOT / 'app.py'}",
        "/gradio_api/file=app.py",
        "/gradio_api/file=http://169.254.169.254/latest/meta-data/",
        "/gradio_api/file=http://127.0.0.1:22/",
        "/gradio_api/file=file:///etc/passwd",
        "/gradio_api/proxy=http://127.0.0.1/",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/assets/..%2f..%2fapp.py",
    ],
)
def test_11_files_of_this_machine_stay_here(raw, path):
    answer = raw.http.get(path)
    assert answer.status_code >= 400
    assert "root:" not in answer.text and "gradio as gr" not in answer.text


@pytest.mark.parametrize(
    "path",
    [SECRET, str(ROOT / "app.py"), "app.py", "../app.py", "http://169.254.169.254/x.png"],
)
@pytest.mark.parametrize("endpoint", ["classify", "detect", "caption"])
def test_11_a_forged_path_is_not_opened(raw, endpoint, path):
    forged = {"path": path, "meta": {"_type": "gradio.FileData"}}
    rest = {"classify": CLASSIFY[1:], "detect": ["retinanet_picture_book", 0.5, 0.5]}
    data = [forged, *rest.get(endpoint, ["gru_attention_picture_book", 1, 0, "greedy", 1, 1])]
    told = raw.refused(endpoint, data)
    assert "root:" not in told


@pytest.mark.parametrize("host", ["https://example.com/", "https://huggingface.co/a.png"])
def test_12_no_file_of_another_host_is_passed_on(raw, host):
    assert raw.http.get(f"/gradio_api/file={host}").status_code == 403


def test_answers_carry_the_headers_that_protect_visitors(raw):
    for path in ("/", "/config", "/gradio_api/info"):
        headers = raw.http.get(path, headers={"Origin": "https://evil.example"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


def test_an_upload_is_never_shown_as_a_page(raw):
    script = b"<script>alert(1)</script>"
    (path,) = raw.http.post("/gradio_api/upload", files={"files": ("a.html", script)}).json()
    headers = raw.http.get(f"/gradio_api/file={path}").headers
    assert headers["content-disposition"].startswith("attachment")


def _uploads(raw):
    (path,) = raw.http.post("/gradio_api/upload", files={"files": ("a.txt", b"a")}).json()
    return Path(path).parent.parent
