"""Checks of text, numbers and choices."""

import math

import pytest

from models import checks
from models.checks import BadInput


def test_text_is_stripped_of_what_no_tokenizer_takes():
    assert checks.text("  a\x00b\ud800c \n") == "abc"


@pytest.mark.parametrize("value", ["", " \n\t", "\x00", None, 3, ["a"]], ids=repr)
def test_text_refuses_what_is_no_text(value):
    with pytest.raises(BadInput, match="Type something"):
        checks.text(value, "prompt")


def test_text_over_the_limit_names_the_limit():
    with pytest.raises(BadInput, match=r"6 characters long; at most 5"):
        checks.text("abcdef", limit=5)


@pytest.mark.parametrize("value", [math.nan, math.inf, True, None, "3", 0.9, 10.1, 2.5], ids=repr)
def test_whole_number_refuses(value):
    with pytest.raises(BadInput, match="whole number from 1 to 10"):
        checks.number(value, "Steps", 1, 10, integer=True)


def test_whole_number_comes_back_as_int():
    assert checks.number(3.0, "Steps", 1, 10, integer=True) == 3
    assert isinstance(checks.number(3.0, "Steps", 1, 10, integer=True), int)


def test_choice_lists_the_choices():
    with pytest.raises(BadInput, match="one of: greedy, beam"):
        checks.choice("gredy", "Sampler", ("greedy", "beam"))


def test_seed_zero_is_kept_and_none_draws_one():
    assert checks.seed(0) == 0
    assert 0 <= checks.seed(None) < 2**31
