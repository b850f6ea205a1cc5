"""Train `gpt2_tiny_stories`: a small GPT-2 on picture-book stories that our own grammar tells.

Knows what the grammar in stories.txt can tell, no other English; stories of other seeds score it.

    python -m training.gpt2_tiny_stories
"""

import math
import re

import keras
import keras_hub
import numpy as np

from training import recipe
from training.text_generation import language_models, stories

SHAPE = {"layers": 6, "width": 256, "heads": 8, "context": 256, "dropout": 0.1}
SMOKE = {"layers": 1, "width": 16, "heads": 2, "context": 64, "dropout": 0.0}
VOCABULARY = 2048
TRAINING, HELD_OUT = 0, 1  # first part of a story's seed
GROUP = 16  # batches drawn together, among which stories are sorted by length
STORIES = 30_000
BATCH = 32  # stories
STEPS = 14_000  # about 15 times all stories
FURTHER = 4_000  # steps of a further round
PEAK = 1.5e-3  # of the learning rate
SAMPLED = 200  # stories of the model's own that are judged
SHOWN = 2  # of those that lose their hero, on the model's card
STEP = 64  # tokens; lengths of batches are whole multiples, so that few graphs are compiled


def main(argv=None):
    """Train and save the preset, then measure it on held-out stories; gives the record."""
    args = recipe.arguments(__spec__, argv)
    if not args.measure:
        train(args)
    return None if args.unmeasured else measure(args)


def train(args):
    """Tell the stories, train on them and save the preset."""
    keras.utils.set_random_seed(args.seed)
    told = tell(TRAINING, args.drawn, count=60 if args.smoke else STORIES)
    texts = [story.text for story in told]
    shape = SMOKE if args.smoke else SHAPE
    tokenizer, model = language_models.start(args, texts, 400 if args.smoke else VOCABULARY, shape)
    batches = by_length(tokenizer, texts, shape["context"], count=2 if args.smoke else BATCH)
    done = language_models.fit(
        model,
        batch=lambda step: batches[step % len(batches)],
        steps=3 if args.smoke else (FURTHER if args.further else STEPS),
        peak=PEAK,
        work=args.work,
    )
    recipe.save(language_models.taking_text(model, tokenizer), args.out)
    language_models.record(args, model, done)


def tell(part, seed, count):
    """`count` stories of one part of the seeds; no two parts share a seed."""
    return [stories.story([part, seed, number]) for number in range(count)]


def by_length(tokenizer, texts, context, count):
    """Put stories of like length together, each alone in its row: nobody else's names are there.

    Args:
        tokenizer: a `GPT2Tokenizer`.
        texts: list of str, in random order.
        context: int, tokens that the network sees at once; what lies beyond is cut.
        count: int, stories in a batch.

    Returns:
        list of ids (count, length + 1) int32, in random order, neighbours of unlike length as far
        as that goes. Each row is a story between end tokens, padded with -1 to a length that is a
        multiple of STEP.
    """
    end, batches = tokenizer.end_token_id, []
    rows = [[end, *ids, end][: context + 1] for ids in tokenizer(texts)]
    for at in range(0, len(rows), GROUP * count):
        group = sorted(rows[at : at + GROUP * count], key=len)
        batches += [_padded(group[i : i + count]) for i in range(0, len(group), count)]
    return _unlike([batches[i] for i in np.random.default_rng(0).permutation(len(batches))])


def _unlike(batches):
    """Put batches so that neighbours differ in length: Keras takes that from an epoch's first two.

    Were both as long by chance, every later batch would have to be.
    """
    waiting, put = batches[::-1], []
    while waiting:
        others = (
            at
            for at in range(len(waiting) - 1, -1, -1)
            if not put or waiting[at].shape[1] != put[-1].shape[1]
        )
        put.append(waiting.pop(next(others, -1)))
    return put


def _padded(rows):
    length = -(-(max(map(len, rows)) - 1) // STEP) * STEP
    ids = np.full((len(rows), length + 1), -1, "int32")
    for place, row in zip(ids, rows, strict=True):
        place[: len(row)] = row
    return ids


def measure(args):
    """Score the saved preset on stories of other seeds; gives the record."""
    model = keras_hub.models.GPT2CausalLM.from_preset(str(args.out), dtype="float32")
    held_out = tell(HELD_OUT, args.seed, count=8 if args.smoke else 400)
    tokenizer = model.preprocessor.tokenizer
    end, context = tokenizer.end_token_id, model.backbone.max_sequence_length
    ids = [np.array([end, *tokenizer(story.text), end], "int32") for story in held_out]
    paid = sum(min(len(each) - 1, context) for each in ids)
    cost = language_models.nats_apart(model, ids, recipe.key(args))
    sampled = continuations(model, held_out, args.seed, count=2 if args.smoke else SAMPLED)
    told = [(story.text, story.hero) for story in held_out]
    learned = tell(TRAINING, args.seed, count=60 if args.smoke else STORIES)
    known = {four for story in learned for four in fours(story.text)}
    return recipe.report(
        args,
        measure="perplexity per token",
        value=math.exp(cost / paid),
        held_out=f"{len(held_out)} stories of held-out seeds",
        sampled_stories=judge(sampled) | {"fours_copied": copied(sampled, known)},
        stories_by_the_grammar=judge(told) | {"fours_copied": copied(told, known)},
        stories_sampled=len(sampled),
        failures=mixed_up(sampled)[:SHOWN],
    )


def fours(text):
    """The four-word sequences of a text, a list of tuples."""
    said = stories.words(text)
    return list(zip(said, said[1:], said[2:], said[3:], strict=False))


def copied(told, known):
    """Share of the four-word sequences of [(text, hero)] that are among `known`."""
    return round(float(np.mean([four in known for text, _ in told for four in fours(text)])), 3)


def continuations(model, held_out, seed, count):
    """The model's own stories, each from the first words of a held-out one, to its hero's name.

    Args:
        model: a `GPT2CausalLM` with its preprocessor.
        held_out: list of `Story`.
        seed: int, of the sampling; see `language_models.sampler`.
        count: int, stories at most.

    Returns:
        list of (text, hero).
    """
    named = [one for one in held_out if one.hero in one.text[:200] and one.hero[0].isupper()]
    named = named[:count]
    prompts = [one.text[: one.text.index(one.hero) + len(one.hero)] for one in named]
    model.compile(sampler=language_models.sampler(seed))
    context = model.backbone.max_sequence_length
    texts = model.generate(prompts, max_length=context)
    return [(text, one.hero) for text, one in zip(texts, named, strict=True)]


def judge(told):
    """How stories hold together.

    Args:
        told: list of (text, hero).

    Returns:
        dict of shares: `hero_kept`: the hero is named again after the first third, and nobody is
        named there who was not introduced; `sentences_well_formed`: a capital first, a full stop,
        question or exclamation mark last, the grammar's words between; `finished`: the last one is.
    """
    cut = [stories.sentences(text) for text, _ in told]
    formed = [well_formed(sentence) for lines in cut for sentence in lines[:-1]]
    return {
        "hero_kept": round(np.mean([_keeps(text, hero) for text, hero in told]), 3),
        "sentences_well_formed": round(float(np.mean(formed)), 3),
        "finished": round(np.mean([well_formed(lines[-1]) for lines in cut]), 3),
    }


def mixed_up(told):
    """The stories among [(text, hero)] that lose their hero or name somebody out of nowhere."""
    return [f"{text} (A name is mixed up.)" for text, hero in told if not _keeps(text, hero)]


def _keeps(text, hero):
    cut = len(text) // 3
    early, late = (set(stories.names(part)) for part in (text[:cut], text[cut:]))
    introduced = set(re.findall(r"\b([A-Z][a-z]+) the [a-z]", text))
    return hero in text[cut:] and late <= early | introduced | {hero}


def well_formed(sentence):
    """Whether one sentence starts and ends as a sentence and uses the grammar's words."""
    lower = re.findall(r"(?<![A-Za-z])[a-z]+", sentence)
    ends = re.search(r'^"?[A-Z].*[.!?]"?$', sentence)
    return bool(ends) and set(lower) <= stories.lexicon()


if __name__ == "__main__":
    main()
