"""The sentiment recipe: readers, teacher, vocabulary, vectors, and the whole of it in small."""

import zipfile
from dataclasses import replace

import keras_hub
import numpy as np
import pytest

from training.sentiment import everyday, glove, mixtures, reviews, word_pieces
from training.sentiment.ngrams import NGrams, grams


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
    from training import bert_tiny_reviews as recipe

    data = recipe.smoke_data()
    odd = replace(
        data, labels=np.where(np.arange(len(data.labels)) == 3, 1 - data.labels, data.labels)
    )
    before, after = recipe.second_opinions(data), recipe.second_opinions(odd)
    assert before.shape == (len(data.sentences),) and (before >= 0).all() and (before <= 1).all()
    assert after[3] == before[3], "its own label does not reach its judge"
    assert not np.array_equal(after, before)


def test_mixtures_are_judged_by_the_teacher_and_cut_up_by_the_tokenizer():
    texts = ["a fine film , isn't it", "a dull day", "a fine day", "a dull film"]
    teacher = NGrams(seldom=1).fit(texts, [1, 0, 1, 0])
    words = word_pieces.vocabulary(texts, words=20, endings=0)
    tokenizer = keras_hub.tokenizers.BertTokenizer(words, lowercase=True)
    drawn = mixtures.Mixtures(texts, teacher, tokenizer).draw(np.random.default_rng(0), 200)
    again = mixtures.Mixtures(texts, teacher, tokenizer).draw(np.random.default_rng(0), 200)
    assert len({tuple(pieces) for pieces, _ in drawn}) > 50, "they are many more than the texts"
    for (pieces, positive), (same, judged) in zip(drawn, again, strict=True):
        assert pieces.tolist() == same.tolist() and positive == judged
        text = tokenizer.detokenize(pieces).replace(" ' ", "'")
        assert tokenizer(text).tolist() == pieces.tolist()
        assert positive == pytest.approx(1 / (1 + np.exp(-teacher.logits([text])[0])))
