"""Device and precision: what is chosen and what is said of it."""

import dataclasses
import functools
import re
import sys
import threading

import numpy as np
import pytest

from models import catalog, classification, loader, runtime
from tabs import status


@pytest.fixture
def anew(monkeypatch):
    """The device is chosen anew in this test alone, and once more after each call of this."""

    def forget():
        monkeypatch.setattr(runtime.start, "device", None)
        runtime._gpus.cache_clear()

    forget()
    yield forget
    runtime._gpus.cache_clear()


def test_a_gpu_that_tensorflow_does_not_see_is_told(anew, tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "DEVICES", tmp_path)
    assert "finds no GPU" in runtime.start().reason
    assert re.match(r"Runs on CPU · \d+ of", status.headline())
    (tmp_path / "nvidia0").touch()
    anew()
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


class Small:
    """A task of keras-hub that is built in no time, as the catalogue's `task` names one."""

    @staticmethod
    @functools.cache
    def _parts():
        import keras_hub

        backbone = keras_hub.models.ResNetBackbone(
            input_conv_filters=[64],
            input_conv_kernel_sizes=[3],
            stackwise_num_filters=[64],
            stackwise_num_blocks=[1],
            stackwise_num_strides=[1],
            block_type="basic_block",
            image_shape=(8, 8, 3),
        )
        converter = keras_hub.layers.ResNetImageConverter(image_size=(8, 8))
        return backbone, 3, keras_hub.models.ResNetImageClassifierPreprocessor(converter)

    @classmethod
    def from_preset(cls, folder, dtype):
        import keras_hub

        return keras_hub.models.ResNetImageClassifier(*cls._parts())


@pytest.mark.slow
def test_a_model_is_traced_while_others_are_built():
    """keras-hub swaps a base of its classes meanwhile."""
    row = dataclasses.replace(catalog.get("resnet_cifar10"), task=f"{__name__}:Small")
    model, done, interval = loader._build(row), threading.Event(), sys.getswitchinterval()

    def build():
        while not done.wait(0.005):
            loader._build(row)

    thread = threading.Thread(target=build)
    try:
        sys.setswitchinterval(1e-5)
        thread.start()
        for count in range(1, 40):
            pixels = np.zeros((count, 8, 8, 3), np.uint8)
            assert len(runtime.compile(classification.probabilities, model)(pixels)) == count
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(interval)
