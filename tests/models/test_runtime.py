"""Device and precision: what is chosen and what is said of it."""

import dataclasses
import re

import pytest

from models import catalog, loader, runtime
from tabs import status


@pytest.fixture
def anew(monkeypatch):
    """Choose a device once more, for this test alone."""
    monkeypatch.setattr(runtime.start, "device", None)


def test_a_gpu_that_tensorflow_does_not_see_is_told(anew, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "DEVICES", tmp_path)
    assert "finds no GPU" in runtime.start().reason
    assert re.match(r"Runs on CPU · \d+ of", status.headline())
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(runtime.start, "device", None)
    device = runtime.start()
    assert device.name == "CPU" and "requirements-gpu.txt" in device.reason
    assert status.headline().startswith("Runs on CPU · its GPU is not used · ")
    assert device.reason in status.details()


@pytest.mark.parametrize(
    ("name", "gigabytes", "device", "expected"),
    [
        ("gpt2_base_en", 1.0, "float32", "float32"),
        ("gpt2_base_en", 0.4, "float32", "bfloat16"),
        ("gpt2_base_en", 0.4, "mixed_bfloat16", "bfloat16"),
        ("gpt2_base_en", 0.4, "mixed_float16", "float16"),
        ("gpt2_base_en", 1.0, "mixed_float16", "mixed_float16"),
        ("pali_gemma_3b_mix_224", 99.0, "float32", "bfloat16"),
        ("gpt2_tiny_stories", 0.0, "float32", "float32"),
    ],
)
def test_precision_goes_by_memory(name, gigabytes, device, expected, monkeypatch):
    monkeypatch.setattr(loader._shelf, "budget", int(gigabytes * 1e9))
    chosen = dataclasses.replace(runtime.start(), precision=device)
    assert loader._precision(catalog.get(name), chosen) == expected
