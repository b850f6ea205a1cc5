"""Jobs that nobody waits for, too many at once, and the end of the app."""

import concurrent.futures
import signal
import socket
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.faults.conftest import CLASSIFY, DRAW, WRITE, warmed
from tests.faults.test_pictures import encoded, uploaded

pytestmark = [pytest.mark.slow, pytest.mark.fault]
DEADLINE = 2  # seconds
LONG = ["a dog", "", "stable_diffusion_picture_book", 100, 4.0, 4, 5]  # takes longer than that


@pytest.fixture(scope="module")
def port():
    """A free port for figures."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def hurried(start_app, port):
    """A Raw on an app with a short deadline that gives figures."""
    options = ("--offline", "--deadline", str(DEADLINE), "--metrics", str(port))
    with start_app(*options) as address:
        app = warmed(address)
        app.call("text_to_image", LONG)  # its shape is converted once, which takes seconds
        yield app


@pytest.fixture
def figure(port):
    """The function that reads a figure of the app: the sum of the lines that begin so."""

    def read(name):
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        found = [line for line in text.splitlines() if line.startswith(name)]
        return sum(float(line.split()[-1]) for line in found)

    return read


def until(condition, seconds, what):
    """Wait for a condition, at most so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


RUNNING = 'keras_hands_on_jobs_running{job="draw"}'


def test_02_too_many_are_told_so_and_health_answers(hurried, figure):
    hurried.http.get("/healthz")
    answers, waits = [], []
    for number in range(60):
        answers.append(hurried.join("text_to_image", LONG, f"crowd {number}"))
        began = time.monotonic()
        assert hurried.http.get("/healthz").status_code == 200
        waits.append(time.monotonic() - began)
    codes = [answer.status_code for answer in answers]
    assert set(codes) == {200, 503} and codes.count(503) >= 20
    assert max(waits) < 1
    assert "full" in answers[-1].json()["detail"]
    for number, answer in enumerate(answers):
        if answer.status_code == 200:
            hurried.cancel("text_to_image", f"crowd {number}", answer.json()["event_id"])
    waiting = "keras_hands_on_jobs_waiting"
    until(lambda: figure(waiting) + figure(RUNNING) == 0, 120, "the crowd never went")


def test_one_visitor_leaves_room_for_the_others(raw):
    """Three drawings at most, of which four run at once, and a quarter of the queue in all."""
    picture = uploaded(raw, encoded(Image.new("RGB", (900, 900), "red")))
    for pictures in (1, 4):  # these shapes are converted once, which takes seconds
        assert raw.call("text_to_image", [*DRAW[:5], pictures, 5])[0] == "complete"
    draws = [raw.join("text_to_image", LONG, "heavy") for _ in range(5)]
    assert [answer.status_code for answer in draws] == [200] * 3 + [429] * 2
    assert "already have 3 jobs" in draws[-1].json()["detail"]
    assert raw.call("text_to_image", DRAW)[0] == "complete", "somebody else's"
    assert raw.join("text_to_image", LONG, "heavy").status_code == 429, "these had ended before"
    augment = [[picture], ["RandAugment"] * 3, 1, 36, "", 512]
    write = ["To be", "gpt2_tiny_shakespeare", 1000, *WRITE[3:]]
    writes = [raw.join("generate", write, "heavy") for _ in range(3)]
    more = [raw.join("augment", augment, "heavy") for _ in range(3)]
    assert [answer.status_code for answer in writes + more] == [200] * 5 + [429]
    for name, answers in (("text_to_image", draws[:3]), ("generate", writes)):
        for answer in answers:
            raw.cancel(name, "heavy", answer.json()["event_id"])
    until(
        lambda: raw.join("text_to_image", DRAW, "heavy").status_code == 200,
        120,
        "who has none running may have one",
    )


def test_14_a_closed_tab_ends_its_job_and_the_next_is_served(hurried, figure):
    assert hurried.join("text_to_image", LONG, "gone").status_code == 200
    with hurried.stream("gone") as events:
        lines = events.iter_lines()
        while "process_generating" not in next(lines):
            pass
        assert figure(RUNNING) == 1
    until(lambda: figure(RUNNING) == 0, 3, "the job went on")
    began = time.monotonic()
    event, _ = hurried.call("text_to_image", DRAW)
    assert event == "complete" and time.monotonic() - began < 3


def test_15_a_job_that_nobody_reads_ends_at_its_deadline(hurried, figure):
    assert hurried.join("text_to_image", LONG, "absent").status_code == 200
    until(lambda: figure(RUNNING) == 1, 3, "it never began")
    until(lambda: figure(RUNNING) == 0, DEADLINE + 3, "it ran on")


def test_15_the_deadline_is_said(hurried):
    told = hurried.refused("text_to_image", LONG)
    assert f"more than {DEADLINE} s" in told and "stays" in told


def test_14_a_job_dropped_in_its_first_step_lets_go(hurried, figure):
    """Of three pictures: a new shape, whose program is made in the first step."""
    three = [*LONG[:5], 3, 5]
    event = hurried.join("text_to_image", three, "dropped").json()["event_id"]
    until(lambda: figure(RUNNING) == 1, 3, "it never began")
    hurried.cancel("text_to_image", "dropped", event)
    until(lambda: figure(RUNNING) == 0, 120, "it holds on")


def test_16_a_cancelled_job_ends_within_a_step(hurried, figure):
    event = hurried.join("text_to_image", LONG, "stopped").json()["event_id"]
    with hurried.stream("stopped") as events:
        lines = events.iter_lines()
        while "process_generating" not in next(lines):
            pass
        hurried.cancel("text_to_image", "stopped", event)
        until(lambda: figure(RUNNING) == 0, 2, "it ran on")


def test_17_a_crowd_for_one_model_loads_it_once(hurried, figure):
    loads = 'keras_hands_on_model_events_total{event="loads"}'
    before, red = figure(loads), encoded(Image.new("RGB", (90, 60), "red"))
    data = [uploaded(hurried, red), "resnet_cifar10", 3]
    with concurrent.futures.ThreadPoolExecutor(25) as crowd:
        answers = list(crowd.map(lambda _: hurried.call("classify", data), range(25)))
    assert [event for event, _ in answers] == ["complete"] * 25
    assert len({str(told[0]["confidences"]) for _, told in answers}) == 1
    assert figure(loads) == before + 1


def test_23_visitors_at_once_each_get_their_own(raw):
    wanted = [
        [*WRITE[:2], 20, sampler, 0.8, 5, 0.9, seed, 4, 0.6]
        for seed in (1, 2)
        for sampler in ("top_p", "top_k", "greedy", "beam", "contrastive")
    ]
    alone = [raw.call("generate", data)[1][0] for data in wanted]
    with concurrent.futures.ThreadPoolExecutor(len(wanted)) as crowd:
        together = list(crowd.map(lambda data: raw.call("generate", data)[1][0], wanted))
    assert together == alone and len(set(alone)) > 5


def test_24_told_to_end_while_a_job_runs(start_app, tmp_path):
    with start_app("--offline", GRADIO_TEMP_DIR=str(tmp_path)) as address:
        app = warmed(address)
        picture = uploaded(app, encoded(Image.fromarray(np.zeros((9, 9, 3), np.uint8))))
        assert app.call("classify", [picture, *CLASSIFY[1:]])[0] == "complete"
        assert Path(picture["path"]).is_file()
        assert app.join("text_to_image", LONG, "last").status_code == 200
        process = app.process
        children, began = process.children(recursive=True), time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = _ended(process)
        assert time.monotonic() - began < 10
        assert code in (0, None), "None where its parent took the code"
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def _ended(process):
    try:
        return process.wait(timeout=15)
    except psutil.NoSuchProcess:
        return None
