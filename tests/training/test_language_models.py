"""What the GPT-2 recipes share."""

import itertools

import numpy as np
import pytest

from training import gpt2_tiny_shakespeare, gpt2_tiny_stories
from training.text_generation import language_models

TEXT = "the red fox ran to the sea and the blue fish swam to the red fox. " * 4


@pytest.fixture(scope="module")
def tokenizer():
    return language_models.byte_pairs([TEXT], size=290)


def tiny(tokenizer, context=16):
    return language_models.causal_lm(
        tokenizer, layers=1, width=8, heads=2, context=context, dropout=0.0, dtype="float32"
    )


@pytest.mark.parametrize("text", [TEXT, "狐狸 🦊\n\n\tHello", "  two  spaces "])
def test_byte_pairs_take_any_text_and_give_it_back(tokenizer, text):
    assert tokenizer.detokenize(tokenizer(text)) == text
    assert tokenizer.end_token_id == tokenizer.vocabulary_size() - 1
    assert len(tokenizer(TEXT)) < len(TEXT) / 2


def test_a_text_is_cut_at_random_and_stays_the_text(tokenizer):
    rng = np.random.default_rng(0)
    whole = language_models.cut_at_random(tokenizer, TEXT, 0.0, rng)
    assert whole.tolist() == list(tokenizer(TEXT))
    one, other = (language_models.cut_at_random(tokenizer, TEXT, 0.2, rng) for _ in range(2))
    assert one.tolist() != other.tolist() and len(one) > len(whole) < len(other)
    assert tokenizer.detokenize(one) == tokenizer.detokenize(other) == TEXT
    every = language_models.cut_at_random(tokenizer, TEXT, 1.0, rng)
    assert len(every) == len(TEXT)


def test_windows_of_plays_repeat_by_step(tokenizer):
    text = "A:\n" + TEXT + "\n\nB:\n" + TEXT * 3
    windows = gpt2_tiny_shakespeare.Windows(tokenizer, text, context=12, seed=3, cuttings=2)
    first, last = (windows.batch(step, count=4, steps=10) for step in (0, 9))
    assert first.shape == (4, 13) and first.dtype == np.int32
    assert (first[:, 0] == tokenizer.end_token_id).all()
    np.testing.assert_array_equal(first, windows.batch(0, count=4, steps=10))
    assert (first != windows.batch(1, count=4, steps=10)).any()
    for row in (*first, *last):
        assert tokenizer.detokenize(row[1:]) in text


def test_nats_of_a_network_that_knows_nothing(tokenizer):
    """All weights 0: every token costs ln(vocabulary), once."""
    model = tiny(tokenizer)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    each = np.log(tokenizer.vocabulary_size())
    for count in (2, 9, 16, 17, 18, 40, 61):
        cost = language_models.nats(model, np.arange(count, dtype="int32"))
        assert cost == pytest.approx((count - 1) * each, rel=1e-5)


def test_training_learns(tokenizer, tmp_path):
    ids = np.array(tokenizer(TEXT), "int32")[: 4 * 17].reshape(4, 17)
    model = tiny(tokenizer)
    done = language_models.fit(model, lambda step: ids, 60, 0.03, tmp_path, average=0.5)
    assert done["steps"] == 60 and done["seconds"] > 0
    cost = language_models.nats(model, ids[0])
    assert cost / 16 < 0.6 * np.log(tokenizer.vocabulary_size())


def test_a_pupil_comes_to_think_as_its_teachers(tokenizer, tmp_path):
    """Where the text's next tokens are made up, it thinks what its teacher does, not they."""
    import keras

    keras.utils.set_random_seed(0)
    ids = np.array(tokenizer(TEXT), "int32")[: 4 * 17].reshape(4, 17)
    teacher, pupil, untaught = (tiny(tokenizer) for _ in range(3))
    language_models.fit(teacher, lambda step: ids, 60, 0.03, tmp_path / "a", average=0.5)
    before = [weight.copy() for weight in teacher.get_weights()]

    def made_up(step):
        return np.random.default_rng(step).choice(np.unique(ids), ids.shape)

    settings = {"steps": 400, "peak": 0.03, "average": 0.5}
    taught = {**settings, "teachers": [teacher]}
    language_models.fit(pupil, made_up, work=tmp_path / "b", **taught)
    language_models.fit(untaught, made_up, work=tmp_path / "c", **settings)
    for one, other in zip(before, teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)

    def opinion(model):
        seen = keras.ops.convert_to_tensor(made_up(1000)[:, :-1])
        return np.asarray(keras.ops.softmax(language_models.logits(model, seen)))

    apart = [np.abs(opinion(each) - opinion(teacher)).mean() for each in (pupil, untaught)]
    assert apart[0] < 0.8 * apart[1], apart


def test_each_story_is_alone_in_its_row(tokenizer):
    texts = ["the red fox ran to the sea. " * repeats for repeats in (1, 2, 3, 9)] * 8
    batches = gpt2_tiny_stories.by_length(tokenizer, texts, context=64, count=4)
    assert sum(len(ids) for ids in batches) == 32
    end = tokenizer.end_token_id
    for row in (row for ids in batches for row in ids):
        real = row[row >= 0]
        assert real[0] == end and (real[1:-1] != end).all() and len(real) <= 65
        assert (row[len(real) :] == -1).all() and (len(row) - 1) % gpt2_tiny_stories.STEP == 0


def test_neighbouring_batches_differ_in_length(tokenizer):
    texts = ["the red fox ran. " * repeats for repeats in range(1, 33, 4)] * 40
    lengths = [ids.shape[1] for ids in gpt2_tiny_stories.by_length(tokenizer, texts, 256, count=2)]
    alike = [one == other for one, other in itertools.pairwise(lengths)]
    assert len(set(lengths)) > 2 and not any(alike[: len(alike) // 2])


def test_padding_costs_and_teaches_nothing(tokenizer, tmp_path):
    ids = np.array(tokenizer(TEXT), "int32")[:17][None]
    padded = np.concatenate([ids, np.full((1, 7), -1, "int32")], axis=1)
    settings = {"steps": 3, "peak": 0.01, "average": 0.5}
    import keras

    trained = []
    for name, each in (("ids", ids), ("padded", padded)):
        keras.utils.set_random_seed(0)
        model = tiny(tokenizer, context=24)
        work = tmp_path / name
        language_models.fit(model, lambda step, each=each: each, work=work, **settings)
        trained.append(model.get_weights())
    for one, other in zip(*trained, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_texts_apart_cost_what_they_cost_alone(tokenizer):
    model = tiny(tokenizer)
    texts = [np.arange(count, dtype="int32") for count in (5, 12, 17)]
    alone = sum(language_models.nats(model, ids) for ids in texts)
    assert language_models.nats_apart(model, texts) == pytest.approx(alone, rel=1e-4)


def test_the_held_out_plays_begin_with_a_speech():
    train, held_out = gpt2_tiny_shakespeare.split("A:\nOne.\n\n" * 100)
    assert train.endswith("\n\n") and held_out.startswith("A:")
    assert 0.08 < len(held_out) / 900 < 0.12


def test_words_that_no_play_has_are_counted_and_named():
    known = gpt2_tiny_shakespeare.words("Thou art 'tis o'er. Speak!")
    assert known == ["thou", "art", "tis", "o'er", "speak"]
    found = gpt2_tiny_shakespeare.made_up(["Thou speak'st.", "O'er gracio, gracio art"], known)
    assert found == {
        "words_made_up": 0.5,
        "failures": ["Words that the plays do not have: speak'st, gracio."],
    }
    assert gpt2_tiny_shakespeare.made_up(["thou art"], known)["failures"] == []
    assert gpt2_tiny_shakespeare.made_up([" "], known)["words_made_up"] == 0
