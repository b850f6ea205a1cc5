"""The bundled models on Keras' PyTorch backend, where PyTorch is installed: the same answers."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from models import captioning, classification, sentiment, text_generation
from models.rows import BUNDLED

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="needs PyTorch"),
]
PICTURE = str(BUNDLED.parent / "examples" / "city.jpg")


def answers():
    """What models of four kinds say, in JSON types."""
    *_, token = text_generation.generate("Once upon a time, a fox", None, 12, "greedy")
    return {
        "classification": classification.classify(PICTURE).predictions[0].label,
        "sentiment": round(sentiment.score("A joy to watch.").positive, 3),
        "text": token.text,
        "captions": list(captioning.caption(PICTURE, method="greedy").texts),
    }


def test_pytorch_gives_the_same_answers():
    code = (
        "import json; from tests.models import test_backends as t; print(json.dumps(t.answers()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == answers()
