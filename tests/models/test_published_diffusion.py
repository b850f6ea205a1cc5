"""What the app adds to KerasCV's Stable Diffusion: words, and the times of the steps."""

import json

import numpy as np
import pytest
from keras_cv.src.models.stable_diffusion.constants import _ALPHAS_CUMPROD, _UNCONDITIONAL_TOKENS

from models.architectures import published_diffusion
from models.architectures.clip import ClipTokenizer
from tests import narrow_diffusion


@pytest.fixture
def tokenizer(tmp_path):
    """The app's tokenizer of a few pieces."""
    (tmp_path / "vocabulary.json").write_text(json.dumps(narrow_diffusion.vocabulary()))
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *narrow_diffusion.MERGES]))
    return ClipTokenizer(published_diffusion._pieces(tmp_path))


@pytest.mark.parametrize(
    "text", ["the red fox", "The RED fox's hat, 12 foxes!", "", "  so\n far ", "Füchse 🦊 & café"]
)
def test_pieces_are_those_of_keras_cv(text, tokenizer, tmp_path):
    expected = narrow_diffusion.keras_cv_tokenizer(tmp_path).encode(text)
    (found,) = tokenizer([text])
    end = len(narrow_diffusion.vocabulary()) - 1
    assert found.tolist() == expected + [end] * (narrow_diffusion.LENGTH - len(expected))


def test_no_words_are_what_keras_cv_takes_for_none(tokenizer):
    (found,) = tokenizer([""])
    start, end = sorted(set(found))
    assert (found == start).tolist() == [token == 49406 for token in _UNCONDITIONAL_TOKENS]
    assert (found == end).tolist() == [token == 49407 for token in _UNCONDITIONAL_TOKENS]


def test_a_long_text_is_cut_and_what_is_left_out_named(tokenizer):
    text = "the red fox " * 25 + "the fox"
    assert tokenizer.unread(text) == ("the", "fox") and tokenizer.unknown(text) == ()
    (found,) = tokenizer([text])
    assert len(found) == narrow_diffusion.LENGTH and found[-1] == found.max()


@pytest.mark.parametrize("steps", [1, 2, 25, 50])
def test_levels_are_those_of_keras_cv(steps):
    levels = published_diffusion.PublishedDiffusion.levels(None, steps)
    assert levels.shape == (steps + 1, 3) and levels[-1].tolist() == [1, 0, 0]
    ratio = 999 / (steps - 1) if steps > 1 else 1000
    times = (np.arange(steps) * ratio).round().astype(int)[::-1]
    assert levels[:-1, 2].tolist() == times.tolist()
    kept = np.array([_ALPHAS_CUMPROD[time] for time in times])
    assert levels[:-1, 0] == pytest.approx(np.sqrt(kept), abs=1e-6)
    assert levels[:-1, 1] == pytest.approx(np.sqrt(1 - kept), abs=1e-6)
