"""Sentiment: windows and means by hand, a tiny real BERT of known answers, the bundled model."""

import numpy as np
import pytest

from models import loader, rows, sentiment
from models.checks import BadInput

NAME = "bert_tiny_reviews"
LENGTH = 64  # pieces that the tiny model reads at once
WORDS = ("good", "bad", "film")


@pytest.mark.parametrize(
    ("sizes", "parts", "owners"),
    [
        pytest.param([0], [0], [0], id="nothing readable"),
        pytest.param([4], [4], [0], id="just fits"),
        pytest.param([5], [3, 2], [0, 0], id="one over"),
        pytest.param([2, 9, 1], [2, 3, 3, 3, 1], [0, 1, 1, 1, 2], id="many texts"),
    ],
)
def test_windows_hold_everything_in_order(sizes, parts, owners):
    texts = [np.arange(size) for size in sizes]
    cut, whose = sentiment.windows(texts, 4)
    assert [len(part) for part in cut] == parts and list(whose) == owners
    assert np.concatenate(cut).tolist() == np.concatenate(texts).tolist()


def test_pooled_lets_longer_windows_count_more():
    logs = np.log([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]])
    shares = sentiment.pooled(logs, np.array([[30], [10], [7]]), np.array([0, 0, 1]), 2)
    mean = np.array([0.9**0.75 * 0.1**0.25, 0.1**0.75 * 0.9**0.25])
    np.testing.assert_allclose(shares, [mean / mean.sum(), [0.2, 0.8]])


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A folder of presets with a tiny BERT that counts good and bad words.

    All weights are zero but the paths from the words to the answer: attention is even over the
    pieces, so "good" and "bad" move the logits by how often they stand there.
    """
    import keras
    import keras_hub

    from training import recipe

    tokenizer = keras_hub.tokenizers.BertTokenizer(
        vocabulary=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS], lowercase=True
    )
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=8,
        num_layers=1,
        num_heads=1,
        hidden_dim=8,
        intermediate_dim=8,
        max_sequence_length=LENGTH,
    )
    model = keras_hub.models.BertTextClassifier(
        backbone,
        num_classes=2,
        preprocessor=keras_hub.models.BertTextClassifierPreprocessor(tokenizer, LENGTH),
    )
    for weight in model.weights:
        if not weight.path.endswith("gamma"):
            weight.assign(keras.ops.zeros_like(weight))
    eye = np.eye(8, dtype="float32")
    backbone.token_embedding.embeddings.assign(4 * eye)
    attention = backbone.transformer_layers[0]._self_attention_layer
    attention._value_dense.kernel.assign(eye[:, None, :])
    attention._output_dense.kernel.assign(eye[None])
    backbone.pooled_dense.kernel.assign(eye)
    head = np.zeros((8, 2), "float32")
    head[5], head[6] = (-5, 5), (5, -5)  # good, bad
    model.output_dense.kernel.assign(head)
    folder = tmp_path_factory.mktemp("models")
    recipe.save(model, folder / NAME, ("negative", "positive"))
    return folder


@pytest.fixture
def tiny(preset, monkeypatch):
    """Puts the tiny model where the catalogue looks for the bundled one."""
    monkeypatch.setattr(rows, "BUNDLED", preset)
    shelf = loader.Shelf(budget=10**9)
    monkeypatch.setattr(sentiment.loader, "use", shelf.use)
    return shelf


def test_words_decide_and_shares_sum_to_one(tiny):
    good, bad = sentiment.score("A GOOD film"), sentiment.score("bad film")
    assert good.positive > 0.6 and bad.positive < 0.4
    assert good.positive + good.negative == pytest.approx(1)
    assert good.run.model == NAME


def test_a_score_is_what_keras_hub_predicts(tiny):
    texts = ["good", "good good bad", "film of unknown words", "bad film"]
    logits = tiny.load(NAME).model.predict(texts, verbose=0)
    expected = np.exp(logits)[:, 1] / np.exp(logits).sum(axis=1)
    found = [each.positive for each in sentiment.score_many(texts)]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_many_texts_score_as_each_alone(tiny):
    texts = ["good film", "bad", "film " * 40 + "good", "good " * 200] * 6
    many = sentiment.score_many(texts)
    alone = {text: sentiment.score(text).positive for text in set(texts)}
    assert len(many) == len(texts)
    np.testing.assert_allclose(
        [each.positive for each in many], [alone[text] for text in texts], atol=1e-5
    )


def test_the_end_of_a_long_text_counts(tiny):
    """A text longer than the model's sequence was once cut, and its verdict with it."""
    start = "film " * (3 * LENGTH)
    assert sentiment.score(start + "bad " * 100).positive < 0.45
    assert sentiment.score(start + "good " * 100).positive > 0.55


def test_texts_of_many_lengths_need_few_traces(tiny, monkeypatch):
    shapes = set()

    def seen(model, tokens):
        shapes.add(tuple(tokens.shape))
        return original(model, tokens)

    original = sentiment.log_probabilities
    monkeypatch.setattr(sentiment, "log_probabilities", seen)
    for count in (1, 2, 5, 17, 40):
        sentiment.score_many(["good " * size for size in range(1, count + 1)])
    sentiment.score("film " * 60)
    assert len(shapes) <= 4


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("?", id="one sign"),
        pytest.param("😀" * 30, id="emoji"),
        pytest.param("这部电影真好看", id="Chinese"),
        pytest.param("x" * 500, id="one long word"),
        pytest.param("good\x00\ud800 film", id="NUL and a lone surrogate"),
        pytest.param("good film " * 1000, id="10,000 characters"),
    ],
)
def test_odd_texts_get_an_answer(tiny, text):
    assert 0 <= sentiment.score(text).positive <= 1


@pytest.mark.parametrize("wrong", ["", "  \n", None, 5, "a" * 30_000])
def test_no_text_and_too_much_are_refused(wrong):
    with pytest.raises(BadInput):
        sentiment.score(wrong)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        pytest.param([], "per line", id="none"),
        pytest.param(["good"] * 1001, "1,001", id="too many"),
        pytest.param(["good", " "], "text 2 is empty", id="one empty"),
    ],
)
def test_wrong_lists_are_explained(texts, message):
    with pytest.raises(BadInput, match=message):
        sentiment.score_many(texts)


def test_a_model_for_something_else_is_refused():
    with pytest.raises(BadInput, match=NAME):
        sentiment.score("good", "resnet_cifar10")


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        pytest.param("What an amazing movie!", True, id="praise"),
        pytest.param("A total waste of my time", False, id="blame"),
        pytest.param("I love this phone", True, id="phone"),
        pytest.param("The food was cold and the waiter was rude", False, id="restaurant"),
        pytest.param("not good at all", False, id="negation"),
        pytest.param(
            "The plot is clever, but the film is boring and far too long.", False, id="but"
        ),
    ],
)
def test_the_bundled_model_can_tell(text, positive):
    result = sentiment.score(text)
    assert (result.positive > 0.6) if positive else (result.negative > 0.6)
