"""Text generation: a tiny random GPT-2 against keras-hub's own loop, and the bundled models."""

import itertools
import threading

import numpy as np
import pytest

from models import catalog, loader, rows, text_generation
from models.checks import BadInput

CONTEXT = 48
TEXT = "the red fox ran to the sea and the blue fish swam to the red fox. " * 4
NAME = "gpt2_tiny_stories"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of presets with a tiny random GPT-2 in it, of strong opinions."""
    from training import recipe
    from training.text_generation import language_models

    tokenizer = language_models.byte_pairs([TEXT], size=290)
    model = language_models.causal_lm(
        tokenizer, layers=2, width=16, heads=2, context=CONTEXT, dropout=0.0, dtype="float32"
    )
    rng = np.random.default_rng(3)
    model.set_weights(
        [weight + rng.normal(0, 0.4, weight.shape).astype("float32") for weight in model.weights]
    )
    out = tmp_path_factory.mktemp("models")
    recipe.save(language_models.taking_text(model, tokenizer), out / NAME)
    return out


@pytest.fixture(scope="module")
def shared():
    """A shelf for all tests here, so that the tiny model is built and compiled once."""
    return loader.Shelf(budget=10**9)


@pytest.fixture
def shelf(folder, shared, monkeypatch):
    """Puts the tiny model where the catalogue looks for the stories."""
    monkeypatch.setattr(rows, "BUNDLED", folder)
    monkeypatch.setattr(text_generation.loader, "use", shared.use)
    return shared


def last(*arguments, **settings):
    """The text of the last token."""
    *_, token = text_generation.generate(*arguments, **settings)
    return token.text.rstrip("\ufffd")


def by_keras_hub(model, prompt, count, sampler, ends=True):
    """The text that keras-hub's own `generate` gives, `count` tokens at most.

    A character whose last bytes are missing shows as a broken sign there, and not at all here.
    """
    model.compile(sampler=sampler)
    length = 1 + len(model.preprocessor.tokenizer(prompt)) + count
    stop = "auto" if ends else None
    return model.generate(prompt, max_length=length, stop_token_ids=stop).rstrip("\ufffd")


@pytest.mark.parametrize("prompt", ["the red fox", "sea", "Snowfall in Buffalo", "狐狸 🦊"])
def test_greedy_is_what_keras_hub_generates(shelf, prompt):
    model = shelf.load(NAME).model
    tokens = list(text_generation.generate(prompt, NAME, 20, "greedy"))
    expected = by_keras_hub(model, prompt, 20, "greedy", ends=False)
    assert tokens[-1].text.rstrip("\ufffd") == expected
    assert len(tokens) == 20


@pytest.mark.parametrize("beams", [1, 3, 5])
def test_beam_is_what_keras_hub_generates(shelf, beams):
    import keras_hub

    theirs = keras_hub.samplers.BeamSampler(num_beams=beams)
    expected = by_keras_hub(shelf.load(NAME).model, "the red", 12, theirs, ends=False)
    assert last("the red", NAME, 12, "beam", temperature=1.0, beams=beams) == expected


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.6, 0.9])
def test_contrastive_is_what_keras_hub_generates(shelf, alpha):
    import keras_hub

    theirs = keras_hub.samplers.ContrastiveSampler(k=4, alpha=alpha)
    expected = by_keras_hub(shelf.load(NAME).model, "the red", 12, theirs, ends=False)
    ours = last("the red", NAME, 12, "contrastive", temperature=1.0, top_k=4, alpha=alpha)
    assert ours == expected


@pytest.mark.parametrize("sampler", text_generation.SAMPLERS)
def test_the_same_seed_gives_the_same_text(shelf, sampler):
    first, second = (last("the fox", NAME, 15, sampler, seed=5) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("sampler", ["top_p", "top_k"])
def test_another_seed_gives_another_text(shelf, sampler):
    texts = {last("the fox", NAME, 20, sampler, 1.5, 20, seed=seed) for seed in range(4)}
    assert len(texts) > 1


def test_seed_zero_is_a_seed_and_no_seed_is_told(shelf):
    *_, zero = text_generation.generate("the fox", NAME, 5, seed=0)
    *_, drawn = text_generation.generate("the fox", NAME, 5, seed=None)
    assert zero.run.seed == 0
    assert last("the fox", NAME, 5, seed=drawn.run.seed) == drawn.text.rstrip("\ufffd")


def test_each_token_adds_to_the_text(shelf):
    tokens = list(text_generation.generate("the fox", NAME, 12, "top_k", seed=1))
    assert tokens[0].text.startswith("the fox")
    for before, after in itertools.pairwise(tokens):
        assert after.text == before.text + after.token
    assert all(0 < token.probability <= 1 for token in tokens)


def test_top_k_of_one_is_greedy(shelf):
    assert last("a sea", NAME, 9, "top_k", top_k=1) == last("a sea", NAME, 9, "greedy")


@pytest.mark.parametrize("count", [1, 7])
def test_max_length_counts_new_tokens(shelf, count):
    assert len(list(text_generation.generate("the fox", NAME, count, "greedy"))) == count


def test_a_text_outgrows_the_context(shelf):
    tokens = list(text_generation.generate("the fox", NAME, 3 * CONTEXT, "greedy"))
    assert len(tokens) == 3 * CONTEXT
    assert tokens[3].note == ""
    assert f"{CONTEXT} tokens" in tokens[-1].note


@pytest.mark.parametrize("sampler", ["greedy", "beam", "contrastive"])
def test_a_long_prompt_is_read_from_its_end(shelf, sampler):
    tokens = list(text_generation.generate("x y " * 200 + TEXT, NAME, 3, sampler))
    assert tokens[-1].text.startswith("x y x y")
    assert f"{CONTEXT} tokens" in tokens[0].note
    same = list(text_generation.generate("and " * 200 + TEXT, NAME, 3, sampler))
    assert [token.token for token in tokens] == [token.token for token in same]


def test_the_end_token_ends_it(shelf, monkeypatch):
    """The network is made to say a token and then the end."""
    decoder = text_generation.Decoder
    end = shelf.load(NAME).model.preprocessor.tokenizer.end_token_id

    def logits(token):
        return np.where(np.arange(end + 1) == token, 0.0, -9.0)[None]

    monkeypatch.setattr(decoder, "begin", lambda self, copies: (logits(70), np.ones((1, 2))))
    monkeypatch.setattr(decoder, "extend", lambda self, *_: (logits(end), np.ones((1, 2))))
    (token,) = text_generation.generate("the fox", NAME, 9, "greedy")
    assert token.token != ""


def test_calls_at_the_same_time_do_not_disturb_each_other(shelf):
    alone = [last("the fox", NAME, 25, seed=seed) for seed in range(3)]
    together = {}

    def run(seed):
        together[seed] = last("the fox", NAME, 25, seed=seed)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[seed] for seed in range(3)] == alone


def test_a_stopped_stream_lets_the_model_go(shelf):
    stream = text_generation.generate("the fox", NAME, 50)
    next(stream)
    assert shelf.load(NAME).users == 1
    stream.close()
    assert shelf.load(NAME).users == 0
    assert not shelf.load(NAME).lock.locked()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        pytest.param({"prompt": ""}, "empty", id="no prompt"),
        pytest.param({"prompt": "  \n"}, "empty", id="a blank prompt"),
        pytest.param({"prompt": None}, "nothing", id="None"),
        pytest.param({"model": "gpt5"}, "gpt5", id="an unknown model"),
        pytest.param({"model": "bert_tiny_reviews"}, "bert_tiny_reviews", id="a wrong model"),
        pytest.param({"max_length": 0}, "max_length", id="no tokens"),
        pytest.param({"max_length": 1001}, "1000", id="too many tokens"),
        pytest.param({"max_length": 1.5}, "whole", id="half a token"),
        pytest.param({"sampler": "best"}, "greedy", id="an unknown sampler"),
        pytest.param({"temperature": 0}, "temperature", id="no temperature"),
        pytest.param({"temperature": float("nan")}, "temperature", id="NaN"),
        pytest.param({"top_k": 0}, "top_k", id="top_k"),
        pytest.param({"top_k": 101}, "100", id="too many candidates"),
        pytest.param({"top_p": 1.1}, "top_p", id="top_p"),
        pytest.param({"seed": -1}, "seed", id="seed"),
        pytest.param({"beams": 17}, "beams", id="beams"),
        pytest.param({"alpha": True}, "alpha", id="alpha"),
    ],
)
def test_wrong_settings_are_told_at_once(settings, message):
    with pytest.raises(BadInput, match=message):
        text_generation.generate(**{"prompt": "the fox", **settings})


@pytest.mark.parametrize("row", catalog.of("text_generation"), ids=lambda row: row.id)
def test_bundled_greedy_is_what_keras_hub_generates(row):
    model = loader.load(row.id).model
    expected = by_keras_hub(model, "Once upon a time, a fox", 60, "greedy")
    assert last("Once upon a time, a fox", row.id, 60, "greedy") == expected


def test_a_story_is_told_in_whole_sentences():
    from training import gpt2_tiny_stories
    from training.text_generation import stories

    text = last("Once upon a time, a fox named Ruby", NAME, 200, seed=0)
    told = stories.sentences(text)
    formed = [gpt2_tiny_stories.well_formed(sentence) for sentence in told]
    assert len(told) >= 6 and sum(formed) >= len(told) - 1
    assert "Ruby" in told[0] and text[-1] in '.!?"'


def test_a_play_goes_on_as_a_play():
    text = last("ROMEO:", "gpt2_tiny_shakespeare", 200, seed=0)
    assert text.startswith("ROMEO:") and text.count("\n") > 3


def test_a_story_keeps_its_hero():
    text = last("Once upon a time, a fox named Ruby", NAME, 200, "greedy")
    assert text.count("Ruby") >= 3
