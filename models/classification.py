"""Names what is in an image: the likeliest classes with their probabilities.

Knows no page, and nothing of how a model was trained.
"""

import time

import numpy as np
from PIL import Image, ImageOps

from models import catalog, checks, images, loader, runtime
from models.results import Classification, Prediction


@runtime.on_gpu
def classify(image, model=None, top_k=5):
    """Name what is in an image.

    Args:
        image: a path, a PIL image, or an array (height, width, 3) of uint8.
        model: id of a classification model, or None for the default.
        top_k: int from 1 to the number of the model's classes, how many of them to give.

    Returns:
        Classification: `top_k` predictions, best first. The probabilities of all classes sum to 1.

    Raises:
        BadInput: the image cannot be read, no classification model has that id, or `top_k` is
            not a whole number in its range.
    """
    picture = images.read(image)
    row = catalog.pick(model, "classification")
    names = catalog.labels(row.id)
    top_k = checks.number(top_k, "top_k", 1, len(names), integer=True)
    with loader.use(row.id) as loaded:
        began = time.perf_counter()
        fitted = fit(picture, loaded.told(expects))
        with loaded.lock:
            shares = loaded.compiled(probabilities)(fitted[None])[0]
        best = np.argsort(-shares, kind="stable")[:top_k]
        found = tuple(Prediction(names[index], float(shares[index])) for index in best)
        return Classification(found, loaded.run(began))


def expects(model):
    """What a classifier's preprocessor takes: its `size`, [height, width] in pixels, and `crop`.

    That is whether a picture is cropped to the size's proportions or squeezed to them.
    """
    converter = model.preprocessor.image_converter
    return {"size": list(converter.image_size), "crop": bool(converter.crop_to_aspect_ratio)}


def fit(picture, expected):
    """Bring an image to the size that a model takes, so that every image has one shape.

    Args:
        picture: array (height, width, 3) of uint8.
        expected: as `expects` gives it.

    Returns:
        Array (height, width, 3) of uint8.
    """
    height, width = expected["size"]
    image, size, smooth = Image.fromarray(picture), (width, height), Image.Resampling.BILINEAR
    if expected["crop"]:
        return np.array(ImageOps.fit(image, size, smooth))
    return np.array(image.resize(size, smooth))


def probabilities(model, pixels):
    """Class probabilities (batch, classes), float32, of a batch (batch, height, width, 3), 0..255.

    The preset's own preprocessor scales the pixels. Published classifiers give logits, some
    probabilities already.
    """
    import keras

    # What `fit` gives has its size already; OpenVINO has no rule for smoothing while resizing.
    model.preprocessor.image_converter.resizing.antialias = False
    outputs = keras.ops.cast(model(model.preprocessor(pixels), training=False), "float32")
    ready = keras.activations.get(getattr(model, "activation", None)) is keras.activations.softmax
    return outputs if ready else keras.ops.softmax(outputs)
