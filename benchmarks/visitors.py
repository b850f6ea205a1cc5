"""Visitors of the running app for locust: each uses all tabs by turns, as a page's events do.

Knows nothing of how the app is run; `python -m benchmarks.load` starts it and them.
"""

import random
import time
from pathlib import Path

from locust import FastHttpUser, between, task

EXAMPLES = Path(__file__).parent.parent / "assets" / "examples"
WORDS = ("a lovely quiet film", "the tea was cold and the room was loud", "not good at all")
# Before a pause: the server ends an idle connection, maybe just when it is used again.
LAST = {"Connection": "close"}
PETS = ("cat", "dog")
THINGS = ("dog", "penguin", "rocket", "cactus", "owl")


class Visitor(FastHttpUser):
    """One who looks at a result for some seconds before the next."""

    wait_time = between(2, 8)
    network_timeout = connection_timeout = 120

    def on_start(self):
        """Upload pictures, as the first thing that most do: one, and some of two things."""
        names = [random.choice(("elephant", "city", "sea", "meadow"))]
        names += [f"{pet}-{place}" for pet in PETS for place in range(1, 6)]
        files = [
            ("files", (f"{name}.jpg", (EXAMPLES / f"{name}.jpg").read_bytes(), "image/jpeg"))
            for name in names
        ]
        answer = self.client.post("/gradio_api/upload", files=files, name="upload", headers=LAST)
        self.picture, *self.pets = (
            {"path": path, "meta": {"_type": "gradio.FileData"}} for path in answer.json()
        )

    @task(5)
    def classify(self):
        self._job("classify", [self.picture, "efficientnetv2_caltech101", 3])

    @task(4)
    def sentiment(self):
        self._job("sentiment", [random.choice(WORDS), "bert_tiny_reviews"])

    @task(3)
    def detect(self):
        self._job("detect", [self.picture, "retinanet_picture_book", 0.5, 0.5, []])

    @task(2)
    def caption(self):
        seed = random.randrange(1000)
        data = [self.picture, "gru_attention_picture_book", 5, seed, "sample", 0.8, 0.9]
        self._job("caption", data)

    @task(2)
    def generate(self):
        begun = f"The {random.choice(THINGS)}"
        data = [begun, "gpt2_tiny_stories", 60, "top_p", 0.8, 5, 0.9, random.randrange(9), 4, 0.6]
        self._job("generate", data)

    @task(1)
    def text_to_image(self):
        prompt = f"a {random.choice(THINGS)}"
        data = [prompt, "", "stable_diffusion_picture_book", 25, 7.5, 1, random.randrange(9)]
        self._job("text_to_image", data)

    @task(1)
    def augment(self):
        self._job("augment", [[self.picture], ["RandomFlip", "RandAugment"], 1, 9, "", 224])

    @task(1)
    def fine_tune(self):
        classes = [pet for pet in PETS for _ in range(len(self.pets) // len(PETS))]
        data = [self.pets, classes, self.picture, "efficientnetv2_caltech101", 20]
        self._job("fine_tune", data)

    def _job(self, name, data):
        """Run a job to its end and report the whole time; a full queue is told as `busy`."""
        began, error, length = time.perf_counter(), None, 0
        with self.client.post(
            f"/gradio_api/call/{name}",
            json={"data": data},
            name="ask",
            catch_response=True,
        ) as asked:
            asked.success()
        if asked.status_code == 503:
            name = f"busy: {name}"
        elif asked.status_code != 200:
            error = RuntimeError(f"{asked.status_code} {(asked.text or '')[:200]}")
        else:
            path = f"/gradio_api/call/{name}/{asked.json()['event_id']}"
            came = self.client.get(path, name="answer", headers=LAST).text or ""
            length = len(came)
            if "event: complete" not in came:
                error = RuntimeError(came[-300:] or "the stream broke off")
        self.environment.events.request.fire(
            request_type="job",
            name=name,
            response_time=1000 * (time.perf_counter() - began),
            response_length=length,
            exception=error,
            context={},
        )
