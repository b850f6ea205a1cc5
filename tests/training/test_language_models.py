"""What the GPT-2 recipes share."""

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
    windows = gpt2_tiny_shakespeare.Windows(tokenizer, text, context=12, seed=3)
    first = windows.batch(0, count=4)
    assert first.shape == (4, 13) and first.dtype == np.int32
    assert (first[:, 0] == tokenizer.end_token_id).all()
    np.testing.assert_array_equal(first, windows.batch(0, count=4))
    assert (first != windows.batch(1, count=4)).any()
    assert all(tokenizer.detokenize(row[1:]).lstrip() in text for row in first)


def test_nats_of_a_network_that_knows_nothing(tokenizer):
    """All weights 0: every token costs ln(vocabulary), once."""
    model = tiny(tokenizer)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    each = np.log(tokenizer.vocabulary_size())
    for count in (2, 9, 16, 17, 18, 40, 61):
        cost = language_models.nats(model, np.arange(count, dtype="int32"))
        assert cost == pytest.approx((count - 1) * each, rel=1e-5)


def test_training_learns_and_a_whole_run_leaves_no_state(tokenizer, tmp_path):
    ids = np.array(tokenizer(TEXT), "int32")[: 4 * 17].reshape(4, 17)
    saved = []
    done = language_models.fit(
        tiny(tokenizer),
        lambda step: ids,
        steps=30,
        peak=0.03,
        minutes=5,
        work=tmp_path,
        checkpoint=lambda: saved.append(1),
    )
    assert done["steps"] == 30 and done["tokens"] == 30 * 64
    assert done["losses"][-1] < np.log(tokenizer.vocabulary_size())
    assert not (tmp_path / "state.npz").exists()


def test_a_run_that_was_cut_off_ends_as_one_that_was_not(tokenizer, tmp_path):
    import keras

    def fitted(name, cut=None):
        def batch(step):
            if step == cut:
                raise KeyboardInterrupt
            return np.random.default_rng(step).integers(0, 99, (2, 17), dtype="int32")

        keras.utils.set_random_seed(0)
        model, folder = tiny(tokenizer), tmp_path / name
        folder.mkdir(exist_ok=True)
        settings = {"steps": 6, "peak": 0.01, "minutes": 5, "work": folder, "every": 0}
        language_models.fit(model, batch, checkpoint=list, **settings)
        return model.get_weights()

    with pytest.raises(KeyboardInterrupt):
        fitted("cut", cut=4)
    for one, other in zip(fitted("whole"), fitted("cut"), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_the_rate_warms_up_and_falls_to_a_tenth():
    rates = [language_models._cosine(progress, 0.1) for progress in (0, 0.05, 0.525, 1)]
    assert rates == pytest.approx([0.038, 1, 0.55, 0.1], abs=0.01)


def test_each_story_is_alone_in_its_row(tokenizer):
    texts = ["the red fox ran to the sea. " * repeats for repeats in (1, 2, 3, 9)] * 8
    batches = gpt2_tiny_stories.by_length(tokenizer, texts, context=64, count=4)
    assert sum(len(ids) for ids in batches) == 32
    end = tokenizer.end_token_id
    for row in (row for ids in batches for row in ids):
        real = row[row >= 0]
        assert real[0] == end and (real[1:-1] != end).all() and len(real) <= 65
        assert (row[len(real) :] == -1).all() and (len(row) - 1) % gpt2_tiny_stories.STEP == 0


def test_padding_costs_and_teaches_nothing(tokenizer, tmp_path):
    ids = np.array(tokenizer(TEXT), "int32")[:17][None]
    padded = np.concatenate([ids, np.full((1, 7), -1, "int32")], axis=1)
    settings = {"steps": 3, "peak": 0.01, "minutes": 5, "work": tmp_path, "checkpoint": list}
    import keras

    trained = []
    for each in (ids, padded):
        keras.utils.set_random_seed(0)
        model = tiny(tokenizer, context=24)
        done = language_models.fit(model, lambda step, each=each: each, **settings)
        assert done["tokens"] == 3 * 16
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
