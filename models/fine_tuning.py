"""Fine-tunes a classifier on a few pictures of classes of one's own: a new head on its features.

Knows no page. The network stays as it is, which Keras' guide to transfer learning calls feature
extraction: a few pictures are too few to change it. Only the layer that names classes is fitted,
and all of it can be kept as a Keras model.
"""

import time
from pathlib import Path

import numpy as np

from models import catalog, checks, classification, images, loader, runtime, workshop
from models.checks import BadInput
from models.results import Classification, FineTuned, Prediction

CLASSES = 5  # at most
PICTURES = 20  # of a class at most
NAME = 40  # characters of a class's name
FOLDS = 5  # of cross-validation, where each class has as many pictures
EPOCHS, MOST_EPOCHS = 20, 100
SCALE = 4.0  # length of a picture's features
SEEN, UNSEEN = "seen", "unseen"
RATE, DECAY = 0.05, 0.1  # of the fit
UNTAUGHT = "Nothing has been taught yet. Give pictures of each class and press Teach."


@runtime.on_gpu
def fit(pictures, model=None, epochs=EPOCHS):
    """Teach a classifier new classes, and check it by cross-validation on the same pictures.

    Args:
        pictures: dict of 2 to 5 class names, of up to 40 characters, each to a list of 2 to 20
            images: a path, a PIL image, or an array (height, width, 3) of uint8.
        model: id of a classification model, or None for the default.
        epochs: int from 1 to 100, passes over the pictures.

    Returns:
        FineTuned. There is nothing random in it: the same pictures give the same head.

    Raises:
        BadInput: what came cannot be used.
    """
    names = _names(pictures)
    epochs = checks.number(epochs, "The number of epochs", 1, MOST_EPOCHS, integer=True)
    row = catalog.pick(model, "classification")
    with loader.use(row.id) as loaded:
        began = time.perf_counter()
        found = np.stack(list(_all_views(loaded, pictures)))
        own = np.repeat(np.arange(len(names)), [len(given) for given in pictures.values()])
        head = _fit(found, own, epochs)
        guessed = tuple(names[index] for index in head.pop("guessed"))
        right = sum(names[index] == guess for index, guess in zip(own, guessed, strict=True))
        return FineTuned(names, **head, guessed=guessed, right=right, run=loaded.run(began))


@runtime.on_gpu
def classify(image, tuned):
    """Name what is in an image, among the classes that a classifier was taught.

    Args:
        image: as `fit` takes one.
        tuned: FineTuned.

    Returns:
        Classification of all its classes, best first; the probabilities sum to 1.

    Raises:
        BadInput: the image cannot be read, or `tuned` is no FineTuned.
    """
    if not isinstance(tuned, FineTuned):
        raise BadInput(UNTAUGHT)
    picture = images.read(image)
    with loader.use(tuned.run.model) as loaded:
        began = time.perf_counter()
        logits = (_views(loaded, picture) @ tuned.kernel + tuned.bias).mean(axis=0)
        shares = np.exp(logits - logits.max())
        shares /= shares.sum()
        best = np.argsort(-shares, kind="stable")
        found = tuple(Prediction(tuned.classes[index], float(shares[index])) for index in best)
        return Classification(found, loaded.run(began))


def save(tuned, path):
    """Write a taught classifier as a Keras model, which `keras.saving.load_model` reads.

    It takes pixels (batch, height, width, 3) from 0 to 255, of any size, and gives the
    probabilities that `classify` gives, (batch, classes), in the order of `tuned.classes`. Where
    `needs` names a module, that has to be imported before.

    Args:
        tuned: FineTuned.
        path: path of the file, which ends in .keras.

    Raises:
        BadInput: `tuned` is no FineTuned, or the path does not end in .keras.
        OSError: the file cannot be written.
    """
    if not isinstance(tuned, FineTuned):
        raise BadInput(UNTAUGHT)
    if not str(path).endswith(".keras"):
        raise BadInput(f"A Keras model's file ends in .keras, but {path} came.")
    given = tuned.run.model, tuned.kernel, tuned.bias, str(Path(path).absolute())
    row = catalog.get(tuned.run.model)
    failed = workshop.of(row).call(_write, *given) if runtime.on_cpu() else _write(*given)
    if failed:
        raise failed


def needs(tuned):
    """The module that has to be imported before `load_model` reads what `save` wrote, or None."""
    module = catalog.get(tuned.run.model).task.partition(":")[0]
    return module if module.startswith("models.") else None


def warm_up(model=None):
    """Load a model, and compile what gives a picture's features."""
    with loader.use(catalog.pick(model, "classification").id) as loaded:
        _views(loaded, np.zeros((64, 64, 3), np.uint8))


def start():
    """Start the process that fits, without waiting for it."""
    if runtime.on_cpu() and workshop.bundled.opened:
        workshop.bundled.start()


def _fit(*given):
    """What `learned` gives, in the process that has Keras where models run without it."""
    return workshop.bundled.call(learned, *given) if runtime.on_cpu() else learned(*given)


def _names(pictures):
    """The names of the classes, cleaned, where there are enough of them and of their pictures."""
    if not isinstance(pictures, dict) or not 2 <= len(pictures) <= CLASSES:
        raise BadInput(f"2 to {CLASSES} classes are needed, each with a name and its pictures.")
    names = tuple(checks.text(name, "name of a class", NAME) for name in pictures)
    if len({name.casefold() for name in names}) < len(names):
        raise BadInput("Two classes have the same name. Give each a name of its own.")
    for name, given in zip(names, pictures.values(), strict=True):
        if not isinstance(given, (list, tuple)) or not 2 <= len(given) <= PICTURES:
            count = len(given) if isinstance(given, (list, tuple)) else 0
            raise BadInput(
                f"2 to {PICTURES} pictures of each class are needed, but {count} came of {name!r}."
            )
    return names


def _all_views(loaded, pictures):
    """Yield the views of each picture, one decoded at a time."""
    for name, given in pictures.items():
        for place, image in enumerate(given, 1):
            try:
                picture = images.read(image)
            except BadInput as told:
                raise BadInput(f"Picture {place} of {name!r}: {told}") from told
            yield _views(loaded, picture)


def _views(loaded, picture):
    """The features of a picture and of its mirror image, (2, width)."""
    fitted = classification.fit(picture, loaded.told(classification.expects))
    with loaded.lock:
        return loaded.compiled(features)(np.stack([fitted, fitted[:, ::-1]]))


def features(model, pixels):
    """What the layer that names classes is given, (batch, width) float32, of pixels 0..255.

    Evened out by a signed square root and brought to one length, since a few values would else
    count for all (Perronnin, Sánchez and Mensink 2010, "Improving the Fisher kernel").
    """
    # As in `classification.probabilities`.
    model.preprocessor.image_converter.resizing.antialias = False
    return _evened(_headless(model)(model.preprocessor(pixels), training=False))


def _headless(model):
    """A classifier without the layer that names classes."""
    import keras

    network = getattr(model, "network", model)
    return keras.Model(network.input, network.layers[-1].input)


def _evened(found):
    from keras import ops

    found = ops.cast(found, "float32")
    return SCALE * ops.normalize(ops.sign(found) * ops.sqrt(ops.abs(found)), axis=-1)


def _write(model, kernel, bias, path):
    """Write a model of the catalogue with a new head to a file; gives the OSError that it met."""
    with loader.use(model) as loaded:
        try:
            return _with_head(loaded.model, kernel, bias).save(path)
        except OSError as error:
            return error


def _with_head(model, kernel, bias):
    """One Keras model of pixels of any size to probabilities, of a classifier and a new head."""
    import keras
    from keras import layers, ops

    expected = classification.expects(model)
    pixels = keras.Input((None, None, 3), name="pixels")
    # Smooths as Pillow does, by which `classification.fit` resizes.
    resized = layers.Resizing(
        *expected["size"], crop_to_aspect_ratio=expected["crop"], antialias=True
    )(pixels)
    shown = model.preprocessor.image_converter(resized)
    headless, head = _headless(model), layers.Dense(len(bias), name="head", dtype="float32")
    logits = [head(_evened(headless(view))) for view in (shown, ops.flip(shown, axis=2))]
    taught = keras.Model(pixels, layers.Softmax(dtype="float32")(layers.average(logits)))
    head.set_weights([kernel, bias])
    return taught


def learned(found, own, epochs):
    """Fit a head with Keras, and beside it one for each fold that does not see the fold.

    Args:
        found: array (pictures, views, width), their features.
        own: array (pictures,) of int, the class of each.
        epochs: int.

    Returns:
        dict: `kernel` (width, classes) and `bias` (classes,), float32; `loss` and `held_out_loss`,
        a tuple with a number for each epoch; `guessed`, the class that each picture is taken for
        by the head that has not seen it, list of int.
    """
    views, width = found.shape[1:]
    counts = np.bincount(own)
    folds, classes = min(FOLDS, int(counts.min())), len(counts)
    heads = folds + 1
    places = np.concatenate([np.arange(count) for count in counts])
    unseen = np.eye(heads)[places % folds]  # (pictures, heads); the last head sees all
    truth = np.repeat(np.eye(classes)[own][:, None], heads, axis=1)
    turns = _turns(counts)
    batch = 2 * classes * views
    model = _network(width, heads, classes, epochs * -(-len(turns) * views // batch))
    targets, shown, hidden = (
        np.repeat(each[turns], views, axis=0) for each in (truth, 1 - unseen, unseen)
    )
    told = model.fit(
        found[turns].reshape(-1, width),
        {SEEN: targets, UNSEEN: targets},
        # The losses of all heads add up, so that none learns slower for the others' sake.
        sample_weight={SEEN: heads * shown, UNSEEN: heads * hidden},
        batch_size=batch,
        epochs=epochs,
        shuffle=False,
        verbose=0,
    ).history
    kernel, bias = model.get_weights()
    logits = (found[:, 0] @ kernel + bias).reshape(-1, heads, classes)
    return {
        "kernel": kernel[:, -classes:],
        "bias": bias[-classes:],
        "loss": tuple(loss / folds for loss in told[f"{SEEN}_loss"]),
        "held_out_loss": tuple(told[f"{UNSEEN}_loss"]),
        "guessed": logits[np.arange(len(own)), places % folds].argmax(axis=-1).tolist(),
    }


def _network(width, heads, classes, steps):
    """A compiled Keras model of features (batch, width) to logits (batch, heads, classes), twice.

    SEEN is what it learns from. UNSEEN, which counts for nothing, is there for its loss to be told.
    """
    runtime.start()
    import keras
    from keras import layers

    inputs = keras.Input((width,))
    logits = layers.Dense(heads * classes, kernel_initializer="zeros")(inputs)
    logits = layers.Reshape((heads, classes))(logits)
    outputs = {name: layers.Identity(name=name)(logits) for name in (SEEN, UNSEEN)}
    network = keras.Model(inputs, outputs)
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    network.compile(
        keras.optimizers.SGD(rate, momentum=0.9, weight_decay=DECAY),
        dict.fromkeys(outputs, loss),
        loss_weights={SEEN: 1.0, UNSEEN: 0.0},
        jit_compile=False,  # takes longer than so few steps
    )
    return network


def _turns(counts):
    """Indexes of pictures, a class after the other; one with fewer pictures shows them again."""
    firsts = np.cumsum(counts) - counts
    return np.concatenate([firsts + turn % counts for turn in range(max(counts))])
