"""The bundled models, as the app runs them and as Keras' documentation does.

Knows no page. What is timed on both sides is the whole of a visitor's request but for the network.
"""

import functools

import numpy as np

from benchmarks import timing
from models import (
    captioning,
    catalog,
    classification,
    detection,
    images,
    loader,
    sentiment,
    text_generation,
    text_to_image,
)
from models.rows import BUNDLED

EXAMPLES = BUNDLED.parent / "examples"
TEXT = "The plot is thin, but the actors are a joy to watch."
PROMPT = "Once upon a time, a fox"
TOKENS = 60


def lines():
    """Yield a line of figures, a dict as of `timing.line`, for each bundled model."""
    for row in catalog.MODELS:
        loader.load(row.id)  # loading is measured elsewhere
        yield timing.line(row.id, _CALLS[row.capability](row))


def _classification(row):
    picture = images.read(EXAMPLES / "elephant.jpg")
    model = loader.load(row.id).model
    fitted = classification.fit(picture, classification.expects(model))[None]
    return {
        "Keras": lambda: model.predict(fitted, verbose=0),
        "the app": lambda: classification.classify(picture, row.id, 5),
    }


def _detection(row):
    picture = images.read(EXAMPLES / "city.jpg")
    model = loader.load(row.id).model
    square, _ = images.letterbox(picture, detection.side(model))
    return {
        "Keras": lambda: model.predict(square[None], verbose=0),
        "the app": lambda: detection.detect(picture, row.id).filter(0.5, 0.5),
    }


def _sentiment(row):
    model = loader.load(row.id).model
    return {
        "Keras": lambda: model.predict([TEXT], verbose=0),
        "the app": lambda: sentiment.score(TEXT, row.id),
    }


def _text_generation(row):
    model = loader.load(row.id).model
    model.compile(sampler="greedy")
    length = 1 + len(model.preprocessor.tokenizer(PROMPT)) + TOKENS
    return {
        "Keras": lambda: model.generate(PROMPT, max_length=length, stop_token_ids=None),
        "the app": lambda: list(text_generation.generate(PROMPT, row.id, TOKENS, "greedy")),
    }


def _captioning(row):
    picture = images.read(EXAMPLES / "city.jpg")
    model = loader.load(row.id).model
    square, _ = images.letterbox(picture, model.size)
    return {
        "Keras": functools.partial(_caption_by_predict, model, square),
        "the app": lambda: captioning.caption(picture, row.id, method="greedy"),
    }


def _caption_by_predict(model, square):
    """A greedy caption as the course writes it: predict, take a word, predict again."""
    from models.vocabulary import END, START

    said = [START]
    while said[-1] != END and len(said) < model.length:
        given = {"images": square[None].astype("float32"), "token_ids": np.array([said])}
        said.append(int(model.predict(given, verbose=0)[0, -1].argmax()))


def _text_to_image(row):
    row_model = loader.load(row.id)
    return {
        "TensorFlow": functools.partial(_draw, loader.Loaded(row, lambda: row_model.model)),
        "the app": functools.partial(_draw, row_model),
    }


def _draw(loaded):
    for _ in text_to_image.denoise(
        loaded, text_to_image.Request("a red fox in the snow", 0, loaded.row.guidance)
    ):
        pass


_CALLS = {
    "classification": _classification,
    "detection": _detection,
    "sentiment": _sentiment,
    "text_generation": _text_generation,
    "captioning": _captioning,
    "text_to_image": _text_to_image,
}
