"""The story grammar: deterministic, whole, consistent."""

import re

import pytest

from training import gpt2_tiny_stories
from training.text_generation import stories

TOLD = [stories.story([9, number]) for number in range(400)]


def test_the_same_seed_tells_the_same_story():
    assert stories.story([9, 3]) == TOLD[3]
    assert len({story.text for story in TOLD}) == len(TOLD)


def test_every_plot_is_told():
    assert len(stories.plots()) >= 30
    assert {story.plot for story in TOLD} == {plot.name for plot in stories.plots()}


@pytest.mark.parametrize("plot", stories.plots(), ids=lambda plot: plot.name)
def test_a_plot_has_beats_with_choices(plot):
    assert 7 <= len(plot.beats) <= 12
    assert all(len(beat) >= 2 for beat in plot.beats)


def test_no_field_is_left_open():
    assert not [story.text for story in TOLD if re.search(r"[{}_]|  ", story.text)]


def test_stories_are_eight_to_twenty_sentences():
    counts = [len(stories.sentences(story.text)) for story in TOLD]
    assert min(counts) >= 8 and max(counts) <= 20


def test_sentences_are_cut_where_they_end():
    text = 'Tom ran. "Where to?" asked Mia. "Home!" Then it rained.'
    assert stories.sentences(text) == [
        "Tom ran.",
        '"Where to?" asked Mia.',
        '"Home!"',
        "Then it rained.",
    ]


def test_an_article_fits_its_word():
    assert not [story.text for story in TOLD if re.search(r"\b[Aa] [aeiou]", story.text)]
    assert not [story.text for story in TOLD if re.search(r"\b[Aa]n [b-df-gj-np-tv-z]", story.text)]


def test_the_judge_finds_the_grammar_good():
    verdict = gpt2_tiny_stories.judge([(story.text, story.hero) for story in TOLD])
    assert verdict["hero_kept"] > 0.95
    assert verdict["sentences_well_formed"] > 0.98
    assert verdict["finished"] == 1


def test_the_judge_sees_a_hero_who_is_swapped():
    good = "A fox named Ruby lived by the sea. Ruby was kind. Ruby went home. Ruby slept."
    swapped = "A fox named Ruby lived by the sea. Ruby was kind. Oscar went home. Oscar slept."
    assert gpt2_tiny_stories.judge([(good, "Ruby")])["hero_kept"] == 1
    assert gpt2_tiny_stories.judge([(swapped, "Ruby")])["hero_kept"] == 0
    told = gpt2_tiny_stories.mixed_up([(good, "Ruby"), (swapped, "Ruby")])
    assert told == [f"{swapped} (A name is mixed up.)"]


@pytest.mark.parametrize(
    ("sentence", "good"),
    [
        ("Ruby was happy.", True),
        ('"I am happy," said Ruby.', True),
        ("ruby was happy.", False),
        ("Ruby was happy", False),
        ("Ruby was defenestrated.", False),
    ],
)
def test_well_formed(sentence, good):
    assert gpt2_tiny_stories.well_formed(sentence) is good
