"""The sentiment recipe: readers, teacher, vocabulary, vectors, and the whole of it in small."""

import zipfile
from dataclasses import replace
from types import SimpleNamespace

import keras_hub
import numpy as np
import pytest

from training.sentiment import (
    corpus,
    everyday,
    glove,
    juries,
    learners,
    masked_words,
    mixtures,
    review_batches,
    reviews,
    word_pieces,
)
from training.sentiment.juries import Jury
from training.sentiment.ngrams import NGrams, grams
from training.sentiment.texts import Texts


@pytest.fixture
def data(tmp_path):
    """A folder with the files of the review data, two or three texts in each."""
    (tmp_path / "sentence_polarity_train.tsv").write_text(
        'label\ttext\n1\ta "fine" film .\n0\tdull .\n', encoding="utf-8"
    )
    packed = {
        "movie_reviews": {"pos/a.txt": "good .\n\nvery good .\n", "neg/b.txt": "bad .\n"},
        "product_reviews": {
            "one/Phone.txt": "* header\n[t]title\nsize[+2], price[-1]##small but dear\n##plain\n",
            "one/README.txt": "x##not a sentence\n",
        },
        "opinion_lexicon": {
            "positive-words.txt": "; about\n\nfine\n",
            "negative-words.txt": "dull\n",
        },
    }
    for name, files in packed.items():
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for file, text in files.items():
                archive.writestr(f"{name}/{file}", text)
    return tmp_path


def test_the_files_are_read(data):
    texts, labels = reviews.polarity_sentences(data)
    assert texts == ['a "fine" film .', "dull ."] and labels.tolist() == [1, 0]
    whole, labels = reviews.film_reviews(data)
    assert sorted(zip(labels, whole, strict=True)) == [
        (0, ["bad ."]),
        (1, ["good .", "very good ."]),
    ]
    texts, opinions = reviews.product_sentences(data)
    assert texts == ["small but dear", "plain"] and opinions.tolist() == [1, 0]
    assert reviews.opinion_words(data) == (["fine"], ["dull"])


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="movie_reviews"):
        reviews.film_reviews(tmp_path)


def test_held_out_sentences_are_in_no_other_part():
    texts = [f"text {number % 70}" for number in range(100)]
    kept, _, out, labels = reviews.hold_out(texts, np.arange(100), seed=0)
    assert not set(kept) & set(out) and len(kept) + len(out) == 100 and len(set(out)) == 7
    assert [texts[label] for label in labels] == out
    assert reviews.hold_out(texts, np.arange(100), seed=0)[2] == out
    assert reviews.hold_out(texts, np.arange(100), seed=1)[2] != out


def test_grams_know_negation_and_the_ends():
    assert {"< it", "is n't", "is n't good", "good >"} <= grams("It isn't GOOD")


def test_the_teacher_learns_from_soft_and_weighted_labels():
    texts = ["good film", "bad film", "good food", "bad food", "odd film"] * 3
    labels = [0.9, 0.1, 1, 0, 1] * 3
    weights = [1, 1, 1, 1, 0] * 3
    teacher = NGrams().fit(texts, labels, weights)
    good, bad, odd = teacher.logits(["a good day", "a bad day", "odd"])
    assert good > 0.5 > -0.5 > bad and abs(odd) < 0.5


def test_everyday_sentences_repeat_by_seed_and_leave_out_the_test():
    texts, labels = everyday.sentences(400, seed=3)
    again, same = everyday.sentences(400, seed=3)
    assert texts == again and (labels == same).all() and 0.4 < labels.mean() < 0.6
    tested, verdicts = everyday.test_sentences()
    assert len(tested) >= 30 and 0.4 < verdicts.mean() < 0.6
    assert not {text.lower() for text in tested} & {text.lower() for text in texts}


def test_written_sentences_are_many_and_none_of_the_test():
    texts, labels = everyday.written_sentences()
    tested = {everyday._plain(text) for text in everyday.test_sentences()[0]}
    plain = {everyday._plain(text) for text in texts}
    assert len(plain) == len(texts) > 1500 and not plain & tested
    assert 0.45 < labels.mean() < 0.55


def test_word_vectors_of_words_in_letters_are_read(tmp_path):
    (tmp_path / glove.FILE).write_text("the 1 2\n, 3 4\ncafé 5 6\nfilm -0.5 7\ndull 8 9\n")
    assert list(glove.vectors(tmp_path)) == ["the", "film", "dull"]
    found = glove.vectors(tmp_path, most=2)
    assert list(found) == ["the", "film"] and found["film"].tolist() == [-0.5, 7]
    with pytest.raises(FileNotFoundError, match=glove.FILE):
        glove.vectors(tmp_path / "elsewhere")


def test_known_words_keep_their_meaning_and_stand_whole():
    known = {"fine": [1.0, 0], "good": [0.9, 0.1], "dull": [-1.0, 0.2], "rare": [0, -1.0]}
    known = {word: np.float32(vector) for word, vector in known.items()}
    pieces = word_pieces.vocabulary(["a good film"], words=9, endings=2, known=["rare"])
    assert "rare" in pieces and "fine" not in pieces
    words = ["[PAD]", *known]
    none, fine, good, dull, _ = word_pieces.meanings(words, known)
    assert fine @ good > 0 > fine @ dull and np.abs(none).max() < np.abs(fine).max()


def test_the_vocabulary_spells_any_word():
    texts = ["The café, the café again", "the cats played"]
    pieces = word_pieces.vocabulary(texts, words=2, endings=3)
    assert pieces[:5] == list(word_pieces.SPECIAL) and len(pieces) == len(set(pieces))
    assert {"the", "cafe", ",", "p", "##d"} <= set(pieces) and "again" not in pieces


def test_word_vectors_put_words_of_a_kind_together():
    rng = np.random.default_rng(0)
    kinds = np.array([[5, 6, 7], [8, 9, 10]])
    rows = [rng.choice(kinds[number % 2], 12) for number in range(400)]
    vectors = word_pieces.vectors(rows, size=11, width=2, seed=0)
    assert vectors.shape == (11, 2) and vectors.std() == pytest.approx(0.05)
    one, another = vectors[kinds[0]].mean(axis=0), vectors[kinds[1]].mean(axis=0)
    inside = np.abs(vectors[kinds[0]] - one).max()
    assert np.linalg.norm(one - another) > 2 * inside


def test_the_teacher_tells_how_far_a_word_leans():
    texts = ["a fine film", "a fine day", "a dull film", "a dull day"] * 3
    teacher = NGrams(seldom=1).fit(texts, [1, 1, 0, 0] * 3)
    fine, dull, film, unknown = teacher.leanings(["fine", "dull", "film", "zebra"])
    assert fine > 0.5 and dull < -0.5 and abs(film) < 0.2 and unknown == 0


def test_second_opinions_are_of_teachers_that_saw_the_other_sentences():
    """A text that contradicts all others is believed by its own label only."""
    data = corpus.smoke()
    odd = replace(
        data, labels=np.where(np.arange(len(data.labels)) == 3, 1 - data.labels, data.labels)
    )
    before, after = Jury(data).second_opinions(data), Jury(odd).second_opinions(odd)
    assert before.shape == (len(data.sentences),)
    assert after[3] == before[3], "its own label does not reach its judge"
    assert not np.array_equal(after, before)


def test_each_fold_is_kept_from_one_teacher():
    data = corpus.smoke()
    jury = Jury(data)
    places = np.concatenate([jury.unseen(fold) for fold in range(len(jury.teachers))])
    assert sorted(places) == list(range(len(data.sentences)))
    for fold, part in enumerate(jury.parts):
        unseen = {data.sentences[at] for at in jury.unseen(fold)}
        assert len(part.sentences) + len(jury.unseen(fold)) == len(data.sentences)
        assert part.sentences == [text for text in data.sentences if text not in unseen]


def test_more_is_made_of_the_opinion_that_is_right_more_often():
    rng = np.random.default_rng(0)
    labels = rng.integers(2, size=500)
    signs = 2 * labels - 1
    opinions = np.stack([signs + rng.normal(size=500), rng.normal(size=500)], axis=1)
    good, idle = juries.weights(opinions, labels)
    assert good > 1.5 and abs(idle) < 0.3


def test_mixtures_are_cut_up_as_the_tokenizer_does_it():
    texts = ["a fine film , isn't it", "a dull day", "a fine day", "a dull film"]
    tokenizer = tokenizer_of(texts)
    drawn = mixtures.Mixtures(texts, tokenizer).draw(np.random.default_rng(0), 200)
    again = mixtures.Mixtures(texts, tokenizer).draw(np.random.default_rng(0), 200)
    assert len(set(drawn[0])) > 50, "they are many more than the texts"
    assert drawn[0] == again[0]
    for text, pieces in zip(*drawn, strict=True):
        assert list(tokenizer(text)) == pieces.tolist()


def tokenizer_of(texts):
    words = word_pieces.vocabulary(texts, words=100, endings=0)
    return keras_hub.tokenizers.BertTokenizer(words, lowercase=True)


SHAPE = SimpleNamespace(
    longest=32, short=16, batch=8, steps=16, mixtures=30, everyday_mixtures=20,
    width=16, layers=1, heads=2,
)  # fmt: skip
SHARES = {"sentences": 0.5, "films": 0.3, "mixtures": 0.2}


@pytest.fixture(scope="module")
def texts():
    """The smoke run's texts as pieces."""
    data = corpus.smoke()
    made = everyday.sentences(20, seed=5)
    return Texts(data, made, tokenizer_of(data.texts()), SHAPE, 0)


@pytest.fixture(scope="module")
def pools(texts):
    """What a model shall think of them; nobody has an opinion on what has no label."""
    kinds = ("sentences", "films", "products", "mixtures")
    return texts.pools({kind: np.zeros(len(texts.rows[kind])) for kind in kinds}, slice(0, 40))


def test_labels_are_softened_and_opinions_fill_the_gaps(texts, pools):
    rows, shares = pools["sentences"]
    assert len(rows) == len(shares) == 40, "the others are kept out"
    expected = np.where(texts.data.labels[:40], 0.725, 0.275)  # between 0.95 and 0.5
    assert shares == pytest.approx(expected)
    assert (pools["films"][1] == 0.5).all() and len(pools["mixtures"][0]) == SHAPE.mixtures
    assert "everyday mixtures" not in pools


def test_batches_hold_passages_first_and_sentences_of_like_length(texts, pools):
    batches = review_batches.Batches(pools, texts.reviews, SHARES, texts.tokenizer, SHAPE, 0)
    (passages, _), *others = [batches[at] for at in range(review_batches.GROUP)]
    assert passages["token_ids"].shape == (4, SHAPE.longest)
    for inputs, targets in others:
        assert inputs["token_ids"].shape == (8, SHAPE.short) and targets.shape == (8, 2)
        assert targets.sum(axis=1) == pytest.approx(1)
        assert (inputs["token_ids"][:, 0] == texts.tokenizer.cls_token_id).all()
        assert (inputs["padding_mask"] == (inputs["token_ids"] != 0)).all()
    spread = [np.ptp(inputs["padding_mask"].sum(axis=1)) for inputs, _ in others]
    assert np.mean(spread) < 5
    batches.on_epoch_end()
    assert not np.array_equal(batches[0][0]["token_ids"], passages["token_ids"])


def test_only_pieces_of_longer_texts_are_hidden(texts, pools):
    batches = review_batches.Batches(pools, texts.reviews, SHARES, texts.tokenizer, SHAPE, 0)
    short, long = [7] * review_batches.SHORT, [7] * 12
    tokens = review_batches.padded([short, long], texts.tokenizer, 16)
    shown = np.stack([batches._hidden(tokens, np.random.default_rng(at)) for at in range(200)])
    hidden = shown == texts.tokenizer.mask_token_id
    assert not hidden[:, 0].any() and not hidden[:, 1, [0, 13, 14, 15]].any()
    assert hidden[:, 1, 1:13].mean() == pytest.approx(review_batches.MASKED, abs=0.03)


def test_hidden_words_are_asked_for_where_they_stood(texts):
    rows = texts.written_rows()
    windows = masked_words.Windows(rows, texts.tokenizer, 21, batch=4, steps=2, seed=0)
    inputs, answers = windows[1]
    assert len(windows) == 2 and inputs["token_ids"].shape == (4, 21) and answers.shape == (4, 3)
    full = inputs["token_ids"].copy()
    assert (np.take_along_axis(full, inputs["mask_positions"], 1) == 4).all()
    np.put_along_axis(full, inputs["mask_positions"], answers, axis=1)
    running = " ".join(map(str, windows._text))
    for row in full:
        assert row[0] == texts.tokenizer.cls_token_id
        assert " ".join(map(str, row[1:])) in running


def test_guessing_leaves_word_vectors_alone_and_moves_the_rest(texts):
    from training import bert_tiny_reviews as recipe

    backbone = recipe.build(texts.tokenizer, SHAPE).backbone
    before = backbone.get_weights()
    windows = masked_words.Windows(texts.written_rows(), texts.tokenizer, 16, 4, 3, 0)
    masked_words.learn(backbone, windows, learners.optimizer(3, 1e-3), 1)
    moved = [np.abs(a - b).max() for a, b in zip(before, backbone.get_weights(), strict=True)]
    vectors = backbone.token_embedding.embeddings
    assert vectors.trainable, "they may move again afterwards"
    for moves, weights in zip(moved, backbone.weights, strict=True):
        assert (moves == 0) == (weights is vectors or "pooled" in weights.path), weights.path


@pytest.mark.slow
def test_a_learner_ends_with_its_mean_weights_and_begins_afresh(texts, pools):
    from training import bert_tiny_reviews as recipe

    classifier = recipe.build(texts.tokenizer, SHAPE)
    first = classifier.get_weights()
    batches = review_batches.Batches(pools, texts.reviews, SHARES, texts.tokenizer, SHAPE, 0)
    learner = learners.Learner(classifier, 2 * len(batches), 1e-2)
    learner.fit(batches, 2)
    optimizer = learner._network.optimizer
    means = optimizer._model_variables_moving_average
    for weights, mean in zip(learner._network.trainable_variables, means, strict=True):
        assert np.array_equal(weights.numpy(), mean.numpy())
    assert int(optimizer.iterations) == 2 * len(batches)
    odds = learner.odds(texts.rows["products"], SHAPE.short)
    assert odds.shape == (len(texts.rows["products"]),) and odds.std() > 0
    learner.afresh()
    assert int(optimizer.iterations) == 0
    for weights, value in zip(classifier.get_weights(), first, strict=True):
        assert np.array_equal(weights, value)


def test_only_the_first_number_of_a_word_vector_leans(texts):
    from training import bert_tiny_reviews as recipe

    backbone = recipe.build(texts.tokenizer, SHAPE).backbone
    embeddings = backbone.token_embedding.embeddings
    before = embeddings.numpy().copy()
    teacher = SimpleNamespace(leanings=lambda words: np.arange(len(words)))
    recipe.lean(backbone, texts.tokenizer, teacher)
    after = embeddings.numpy()
    assert np.array_equal(after[:, 1:], before[:, 1:])
    assert after[:, 0] == pytest.approx(2 * before[:, 1:].std() * np.arange(len(before)))


def test_what_was_found_is_kept_for_a_run_that_was_cut_off(tmp_path):
    asked = []

    def make():
        asked.append(1)
        return {"films": np.arange(3)}

    for _ in range(2):
        assert learners.once(tmp_path / "found.npz", make)["films"].tolist() == [0, 1, 2]
    assert len(asked) == 1


def test_the_surest_mistakes_are_told_first():
    from training import bert_tiny_reviews as recipe

    given, labels = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.3, 0.7]]), [0, 0, 0, 1]
    texts = ["one", "two", "three", "four"]
    told = recipe.mistakes(given, texts, labels)
    assert told == ["two (positive, it says, 80 % sure)", "three (positive, it says, 60 % sure)"]
    assert recipe.mistakes(given, texts, labels, most=1) == told[:1]
    assert recipe.accuracy(given, labels) == 0.5
