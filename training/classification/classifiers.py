"""What the classifiers' recipes share: a network, the schedule, fitting and scoring.

Knows no data set.
"""

import contextlib
import json
import math
import time

import keras
import keras_hub
import numpy as np

from models import classification, runtime
from training import recipe, sheets

MISTAKES = 12  # shown in the model card
START_UP = 60  # seconds that do not count as training: the first steps are compiled
MEASURES = {"top1": "top-1 accuracy", "mean_over_classes": "top-1 accuracy, mean over classes"}


@contextlib.contextmanager
def precision(policy):
    """Build layers under a dtype policy; EfficientNet's blocks take theirs from nowhere else."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def efficientnet_v2(classes, size, dtype="float32", dropout=0.5):
    """An untrained EfficientNetV2 of 1.9 M parameters: (batch, height, width, 3) to logits.

    Tan and Le 2021, arXiv:2104.00298: Fused-MBConv in the early stages, MBConv with squeeze and
    excitation in the last. Narrower and shallower than B0, and each of the first three stages
    shrinks the picture, because large feature maps are what costs time on a CPU.

    Args:
        classes: int, number of classes.
        size: int, pixels that the preset's preprocessor resizes to; training may use others.
        dtype: Keras dtype policy's name.
        dropout: share of the pooled features dropped in training, 0 to 1.
    """
    with precision(dtype):
        backbone = keras_hub.models.EfficientNetBackbone(
            stackwise_width_coefficients=[1.0] * 4,
            stackwise_depth_coefficients=[1.0] * 4,
            stackwise_kernel_sizes=[3, 3, 3, 3],
            stackwise_num_repeats=[1, 2, 2, 2],
            stackwise_input_filters=[24, 40, 80, 160],
            stackwise_output_filters=[40, 80, 160, 192],
            stackwise_expansion_ratios=[2, 2, 2, 4],
            stackwise_squeeze_and_excite_ratios=[0, 0, 0, 0.25],
            stackwise_strides=[2, 2, 2, 1],
            stackwise_block_types=["fused", "fused", "fused", "unfused"],
            dropout=0.1,
        )
        converter = keras_hub.layers.EfficientNetImageConverter(
            image_size=(size, size),
            scale=1 / 127.5,
            offset=-1.0,
            crop_to_aspect_ratio=False,
            antialias=True,
            dtype="float32",
        )
        return keras_hub.models.EfficientNetImageClassifier(
            backbone=backbone,
            num_classes=classes,
            preprocessor=keras_hub.models.EfficientNetImageClassifierPreprocessor(converter),
            dropout=dropout,
            head_dtype="float32",
        )


def warm_up_hold_cosine(share, warm_up=0.1, hold=0.45, floor=0.0):
    """Share of the peak learning rate at a share of the run: up a line, a plateau, half a cosine.

    The shape and its defaults are those of the KerasCV classification guide. It never is less than
    `floor`.
    """
    if share < warm_up:
        return max(floor, share / warm_up)
    falling = max(0.0, (share - warm_up - hold) / (1 - warm_up - hold))
    return max(floor, 0.5 * (1 + math.cos(math.pi * min(1.0, falling))))


def sgd(weight_decay, averaged_over=None):
    """SGD with Nesterov momentum 0.9; weight decay spares biases and normalisation.

    Args:
        weight_decay: float, apart from the momentum.
        averaged_over: steps that the moving average of the weights (Polyak and Juditsky 1992)
            looks back, which `fit` ends with; None: the last weights.
    """
    optimizer = keras.optimizers.SGD(
        momentum=0.9,
        nesterov=True,
        weight_decay=weight_decay,
        use_ema=averaged_over is not None,
        ema_momentum=1 - 1 / (averaged_over or 100),
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def adamw(weight_decay=0.02):
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), for short runs."""
    optimizer = keras.optimizers.AdamW(weight_decay=weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


class Pace(keras.callbacks.Callback):
    """Sets the learning rate by the share of the run that is done, ends stages, saves what is done.

    The share is that of the steps or that of the time allowed, whichever is larger: where the time
    suffices a run repeats by seed; where it does not, the schedule still comes to its end.
    """

    def __init__(self, folder, steps, epochs, peak, minutes=math.inf, keep_every=0, **shape):
        """
        Args:
            folder: Path of the checkpoint's folder.
            steps: int, in an epoch. epochs: int, planned.
            peak: float, the highest learning rate.
            minutes: float, the longest that training may take, over all runs.
            keep_every: seconds between checkpoints; there is one at an epoch's end at most.
            **shape: `warm_up` and `hold`, shares of the run, and `floor`.
        """
        super().__init__()
        self.folder, self.steps, self.epochs, self.peak = folder, steps, epochs, peak
        self.allowed, self.keep_every, self.shape = 60 * minutes, keep_every, shape
        self.epoch, self.step, self.until, self.trained, self.kept = 0, 0, 1.0, 0.0, 0.0
        self.began = time.monotonic()

    @property
    def seconds(self):
        """Time since training began, over all runs."""
        return time.monotonic() - self.began

    @property
    def share(self):
        """Share of the run that is done, 0 to 1."""
        by_clock = max(0.0, self.seconds - START_UP) / self.allowed
        return min(1.0, max(self.step / (self.steps * self.epochs), by_clock))

    def restore(self, model):
        """Bring a compiled model back to its last checkpoint, if there is one."""
        state = self.folder / "state.json"
        if state.exists():
            model.optimizer.build(model.trainable_variables)  # else its state is not loaded
            model.load_weights(self.folder / "last.weights.h5")
            saved = json.loads(state.read_text())
            self.epoch, self.step = saved["epoch"], saved["step"]
            self.trained = self.kept = saved["seconds"]
            self.began = time.monotonic() - self.trained

    def on_train_batch_begin(self, batch, logs=None):
        """Set the learning rate."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()  # else the step goes on with the rate of the one before
        rate = self.peak * warm_up_hold_cosine(self.share, **self.shape)
        self.model.optimizer.learning_rate = rate

    def on_train_batch_end(self, batch, logs=None):
        """Count the steps; end the stage where its share is done."""
        self.step += self.model.steps_per_execution
        self.model.stop_training = self.share >= self.until

    def on_epoch_end(self, epoch, logs=None):
        """Write the checkpoint if it is due."""
        self.epoch, self.trained = epoch + 1, self.seconds
        if self.trained - self.kept >= self.keep_every or self.model.stop_training:
            self._keep()
            self.kept = self.trained

    def _keep(self):
        """Write the checkpoint; the small file that makes it valid comes last."""
        (self.folder / "state.json").unlink(missing_ok=True)
        self.model.save_weights(self.folder / "last.weights.h5")
        state = {"epoch": self.epoch, "step": self.step, "seconds": self.trained}
        (self.folder / "state.json").write_text(json.dumps(state))


def fit_stages(model, pace, stages, batches_of):
    """Fit through stages, each at its own picture size, going on from the last checkpoint.

    Args:
        model: compiled; its preprocessor is set aside meanwhile, since it fixes the size.
        pace: Pace of the run.
        stages: sequence of (last epoch, picture size in pixels), in order.
        batches_of: `batches_of(picture_size, first_epoch)` giving a dataset without end.
    """
    preprocessor, model.preprocessor = getattr(model, "preprocessor", None), None
    pace.restore(model)
    for last, size in stages:
        pace.until = last / pace.epochs
        if pace.share < pace.until:
            model.fit(
                batches_of(size, pace.epoch),
                initial_epoch=pace.epoch,
                epochs=pace.epoch + pace.epochs,
                steps_per_epoch=pace.steps,
                callbacks=[pace],
                shuffle=False,  # batches come in random order
                verbose=2,
            )
    model.preprocessor = preprocessor


def compile_for_training(model, optimizer, smoothing=0.1, steps_at_once=1):
    """Compile with smoothed cross-entropy on logits (Szegedy et al. 2016).

    Args:
        model: a Keras model that gives logits; changed in place.
        optimizer: as `sgd` and `adamw` give it.
        smoothing: share of a target that is spread over all classes.
        steps_at_once: int, steps between two looks at the loss and the learning rate, each of
            which a GPU has to wait for.
    """
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        metrics=["accuracy"],
        jit_compile=recipe.jit_compile(),
        steps_per_execution=steps_at_once,
    )


def save(build, fitted, args, classes, pace, **more):
    """Save the preset in float32, and how it was trained.

    Args:
        build: `build()` giving the untrained network in float32.
        fitted: the network that was fitted, of the same build.
        args: the recipe's arguments.
        classes: names in the order of the outputs.
        pace: the Pace of the run.
        **more: further facts of the training, JSON types only.
    """
    model = build()
    model.set_weights(fitted.get_weights())
    recipe.save(model, args.out, classes)
    recipe.trained(args, model, pace.trained, epochs=pace.epoch, **more)


def measure(args, held_out, held_out_as, figure="top1", shown=True, also=None):
    """Score the saved preset on held-out Photos and write its record, which is returned.

    The mistakes that it was surest of go to failures.jpg beside the weights, or, of photos that may
    not be shown, what was taken for what.

    Args:
        args: the recipe's arguments.
        held_out: Photos that the training never saw.
        held_out_as: str, what they are.
        figure: the key of `scores` that is the model's headline.
        shown: bool, whether the data's licence lets us show its pictures.
        also: dict of name to further Photos whose top-1 accuracy goes into the record.
    """
    saved = keras_hub.models.ImageClassifier.from_preset(str(args.out))
    key = recipe.key(args)
    given = probabilities(saved, held_out.images, key)
    result = scores(given, held_out.labels)
    for name, photos in (also or {}).items():
        result[name] = scores(probabilities(saved, photos.images, key), photos.labels)["top1"]
    if not args.by_keras:
        show = _show_mistakes if shown else _show_confusion
        show(given, held_out, args.out / "failures.jpg")
    return recipe.report(args, MEASURES[figure], result[figure], held_out_as, **result)


def _show_mistakes(given, held_out, path):
    """Write a sheet of the MISTAKES wrong answers of the highest probability."""
    answers = given.argmax(axis=1)
    wrong = np.flatnonzero(answers != held_out.labels)
    surest = wrong[np.argsort(-given[wrong].max(axis=1))][:MISTAKES]
    names = held_out.classes
    told = [f"{names[held_out.labels[at]]},\nnot {names[answers[at]]}" for at in surest]
    path.unlink(missing_ok=True)  # that of an earlier measurement
    if told:
        sheets.sheet([held_out.images[at] for at in surest], told, path)


def _show_confusion(given, held_out, path):
    """Draw how often each class (a row) is taken for each other one, as a confusion matrix."""
    names, answers = held_out.classes, given.argmax(axis=1)
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (held_out.labels, answers), 1)
    sheets.matrix(counts, names, path)


def probabilities(model, images, key=None, batch=50):
    """Class probabilities (count, classes) of images (count, side, side, 3) uint8, as the app does.

    Args:
        model: an ImageClassifier with its preprocessor.
        images: larger ones are shrunk to the model's size before, so it needs no smoothing.
        key: as `recipe.key` gives it.
        batch: int, images at once.
    """
    expected = classification.expects(model)
    if images.shape[1] > expected["size"][0]:
        images = np.stack([classification.fit(each, expected) for each in images])
    network = runtime.compile(classification.probabilities, model, key)
    starts = range(0, len(images), batch)
    return np.concatenate([network(images[at : at + batch]) for at in starts])


def scores(probability, labels):
    """Shares of held-out pictures named right: over all, mean over classes, and in the top 5."""
    ranked = np.argsort(-probability, axis=1)
    right = ranked[:, 0] == labels
    by_class = [right[labels == label].mean() for label in np.unique(labels)]
    top5 = (ranked[:, :5] == labels[:, None]).any(axis=1)
    return {
        "top1": round(float(right.mean()), 4),
        "mean_over_classes": round(float(np.mean(by_class)), 4),
        "top5": round(float(top5.mean()), 4),
    }
