"""The samplers on a fake network whose answers are known."""

import itertools

import numpy as np
import pytest

from models import samplers

SHARES = np.array([0.1, 0.4, 0.05, 0.3, 0.15])
END = 0


class Chain:
    """A network whose next token depends on the last one alone.

    Args:
        shares: (vocabulary, vocabulary), row by last token; row 0 also follows the prompt.
        states: (vocabulary, width), the hidden state of each token; the prompt's is that of 0.
    """

    ends = (END,)

    def __init__(self, shares, states=None):
        with np.errstate(divide="ignore"):
            self.logits = np.log(np.array(shares, float))
        self.states = np.eye(len(shares)) if states is None else np.array(states, float)
        self.calls = []

    def begin(self, copies):
        return np.repeat(self.logits[:1], copies, axis=0), self.states[:1]

    def extend(self, rows, tokens):
        self.calls.append((rows.tolist(), tokens.tolist()))
        return self.logits[tokens], self.states[tokens]


def draws(pick, count=4000):
    rng = np.random.default_rng(0)
    return np.bincount([pick(SHARES, rng) for _ in range(count)], minlength=5) / count


def test_softmax_with_temperature():
    assert samplers.softmax(np.log([1.0, 3.0])) == pytest.approx([0.25, 0.75])
    assert samplers.softmax(np.log([1.0, 3.0]), 0.5) == pytest.approx([0.1, 0.9])
    assert samplers.softmax([1000.0, 0.0]).tolist() == [1, 0]


def test_greedy_takes_the_likeliest():
    assert samplers.greedy(SHARES) == 1


@pytest.mark.parametrize(
    ("k", "expected"),
    [
        pytest.param(1, [0, 1, 0, 0, 0], id="one"),
        pytest.param(2, [0, 4 / 7, 0, 3 / 7, 0], id="two"),
        pytest.param(99, SHARES, id="more than there are"),
    ],
)
def test_top_k_draws_in_proportion(k, expected):
    found = draws(lambda shares, rng: samplers.top_k(shares, k, rng))
    assert found == pytest.approx(np.array(expected), abs=0.03)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        pytest.param(0.3, [0, 1, 0, 0, 0], id="the first alone is more"),
        pytest.param(0.4, [0, 4 / 7, 0, 3 / 7, 0], id="the one that passes p stays"),
        pytest.param(0.8, [0, 0.4 / 0.85, 0, 0.3 / 0.85, 0.15 / 0.85], id="three"),
        pytest.param(1.0, SHARES, id="all"),
    ],
)
def test_top_p_draws_in_proportion(p, expected):
    found = draws(lambda shares, rng: samplers.top_p(shares, p, rng))
    assert found == pytest.approx(np.array(expected), abs=0.03)


@pytest.mark.parametrize("p", [0.05, 0.25, 0.4, 0.69, 0.9, 1.0])
def test_top_p_keeps_the_tokens_that_keras_hub_keeps(p):
    import keras_hub

    theirs = keras_hub.samplers.TopPSampler(p=p, seed=0)
    tiled = np.tile(SHARES.astype("float32"), (500, 1))
    kept = np.unique(np.array(theirs.get_next_token(tiled)))
    ours = np.flatnonzero(draws(lambda shares, rng: samplers.top_p(shares, p, rng), 500))
    assert ours.tolist() == kept.tolist()


@pytest.mark.parametrize("search", ["one by one", "beam", "contrastive"])
def test_any_of_several_tokens_ends_a_text(search):
    chain = Chain([[0, 0.1, 0.9], [0.1, 0.1, 0.8], [0, 0.8, 0.2]])
    chain.ends = (END, 1)
    searches = {
        "one by one": lambda: samplers.one_by_one(chain, samplers.greedy, 1.0),
        "beam": lambda: samplers.beam(chain, 2, 1.0),
        "contrastive": lambda: samplers.contrastive(chain, 2, 0.0, 1.0),
    }
    assert [choice.ids for choice in searches[search]()] == [(2,)]


def test_one_by_one_ends_at_the_end_token():
    chain = Chain([[0, 0.1, 0.9], [1, 0, 0], [0, 0.8, 0.2]])
    found = list(samplers.one_by_one(chain, samplers.greedy, 1.0))
    assert [each.ids for each in found] == [(2,), (2, 1)]
    assert [each.probability for each in found] == pytest.approx([0.9, 0.8])


def test_the_probability_is_the_one_before_temperature():
    chain = Chain([[0, 0.25, 0.75], [1, 0, 0], [1, 0, 0]])
    (only,) = samplers.one_by_one(chain, samplers.greedy, 0.1)
    assert only.probability == pytest.approx(0.75)


def test_beam_finds_the_sequence_that_greedy_misses():
    """1 is likelier at first, but after it everything is unlikely; 2 leads to a sure 3."""
    shares = [[0, 0.6, 0.4, 0], [0.4, 0.3, 0.3, 0], [0, 0, 0, 1], [1, 0, 0, 0]]
    greedy = list(samplers.one_by_one(Chain(shares), samplers.greedy, 1.0))
    beam = list(samplers.beam(Chain(shares), 2, 1.0))
    assert greedy[-1].ids == (1,)
    assert beam[-1].ids == (2, 3)
    assert beam[0].ids == (1,), "the first guess is taken back later"


def test_one_beam_is_greedy():
    shares = [[0, 0.6, 0.4], [0.4, 0.25, 0.35], [0.1, 0.5, 0.4]]
    beam = [each.ids for each in samplers.beam(Chain(shares), 1, 1.0)]
    greedy = [each.ids for each in samplers.one_by_one(Chain(shares), samplers.greedy, 1.0)]
    assert beam == greedy


def test_a_finished_beam_waits_for_the_others():
    """1 ends at once with 0.5; 2, 2, ... loses a tenth each time and must not outlive it."""
    shares = [[0, 0.5, 0.5], [1, 0, 0], [0.1, 0, 0.9]]
    found = list(samplers.beam(Chain(shares), 2, 1.0))
    assert found[-1].ids == (1,)


def test_contrastive_avoids_what_looks_like_the_past():
    """1 is the likeliest but looks as the prompt does; 2 is new."""
    shares = [[0, 0.6, 0.4], [0.2, 0.4, 0.4], [0.9, 0.05, 0.05]]
    states = [[1, 0], [1, 0], [0, 1]]
    for alpha, first in ((0.0, 1), (0.6, 2)):
        found = next(samplers.contrastive(Chain(shares, states), 2, alpha, 1.0))
        assert found.ids == (first,)


def test_contrastive_goes_on_from_the_candidate_it_chose():
    shares = [[0, 0.6, 0.4], [0.2, 0.4, 0.4], [0.1, 0.5, 0.4]]
    chain = Chain(shares, [[1, 0], [1, 0], [0, 1]])
    list(itertools.islice(samplers.contrastive(chain, 2, 0.6, 1.0), 2))
    assert chain.calls[0] == ([0, 0], [1, 2])
    assert chain.calls[1] == ([1, 1], [1, 2]), "2 was the second candidate"


def test_contrastive_without_penalty_is_greedy():
    shares = [[0, 0.6, 0.4], [0.4, 0.25, 0.35], [0.1, 0.5, 0.4]]
    ours = [each.ids for each in samplers.contrastive(Chain(shares), 3, 0.0, 1.0)]
    greedy = [each.ids for each in samplers.one_by_one(Chain(shares), samplers.greedy, 1.0)]
    assert ours == greedy
