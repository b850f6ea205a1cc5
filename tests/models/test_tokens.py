"""Tokenizers told as JSON values make the pieces that keras-hub's own make, of any text."""

import json

import keras_hub
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models import catalog, tokens

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ORDINARY = [
    "Not good at all, but the ending isn't BAD.",
    "A café's naïve rôle: 12,345 reasons… (or 2½)!",
    "no\u00a0break and\u200bnone, \u3000wide ｆｕｌｌ ㎏ ﬁne STRASSE straße",
    "电影很好 ねこ 고양이 \u115fx\u3164y 🦊👍🏽",
    "x" * 99 + " " + "y" * 101 + " é" * 60,
    "[CLS] [MASK] <|endoftext|> ##ing it##s",
    "tab\tline\r\n\nnew  two   three\x00\x1b",
]


@pytest.fixture(scope="module")
def bert():
    row = catalog.get("bert_tiny_reviews")
    return keras_hub.models.TextClassifier.from_preset(str(row.folder))


@pytest.fixture(scope="module", params=["gpt2_tiny_stories", "gpt2_tiny_shakespeare"])
def gpt2(request):
    row = catalog.get(request.param)
    return keras_hub.models.CausalLM.from_preset(str(row.folder))


def as_kept(told):
    """What comes back from the disk."""
    return json.loads(json.dumps(told))


def test_word_pieces_are_those_of_keras_hub(bert):
    ours = tokens.WordPieces(**as_kept(tokens.word_pieces(bert)))

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(TEXTS)
    @example("")
    def same(text):
        theirs = bert.preprocessor.tokenizer(text)
        assert ours.ids(text) == [int(each) for each in theirs]

    for text in ORDINARY:
        same = example(text)(same)
    same()


def test_byte_pairs_are_those_of_keras_hub(gpt2):
    ours = tokens.BytePairs(as_kept(tokens.byte_pairs(gpt2)))
    theirs = gpt2.preprocessor.tokenizer

    @settings(max_examples=300, deadline=None, derandomize=True, database=None)
    @given(TEXTS)
    def same(text):
        ids = ours.ids(text)
        assert ids == [int(each) for each in theirs(text)]
        assert tokens.decoded(ours, ids) == text

    for text in ORDINARY:
        same = example(text)(same)
    same()
    assert ours.id_of("<|endoftext|>") == theirs.end_token_id


def test_a_classifier_that_reads_otherwise_stays_on_its_own_tokenizer(bert):
    bert.preprocessor.tokenizer.lowercase = False
    try:
        assert tokens.word_pieces(bert) is None
    finally:
        bert.preprocessor.tokenizer.lowercase = True


class Bytes:
    """A tokenizer whose tokens are bytes."""

    def bytes_of(self, number):
        return bytes([number])


def test_a_character_of_four_bytes_comes_whole():
    """The bytes of 🦊 are four tokens here; none of the first three may show as a broken sign."""
    ids = list("a🦊é".encode())
    seen = [tokens.decoded(Bytes(), ids[: n + 1]) for n in range(len(ids))]
    assert seen == ["a", "a", "a", "a", "a🦊", "a🦊", "a🦊é"]


def test_bytes_that_are_no_text_become_a_sign():
    assert tokens.decoded(Bytes(), [0xFF, 0x41]) == "\ufffdA"


def test_each_byte_has_a_letter():
    assert sorted(tokens.letters().values()) == list(range(256))
