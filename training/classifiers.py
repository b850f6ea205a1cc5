"""What the classifiers' recipes share: a network, the schedule, fitting and scoring.

Knows no data set.
"""

import contextlib
import json
import time

import keras
import keras_hub
import numpy as np
import tensorflow as tf

from training import recipe

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


def efficientnet_v2(classes, size, dtype="mixed_bfloat16", pooling="avg", dropout=0.5):
    """An untrained EfficientNetV2 of 1.9 M parameters: (batch, height, width, 3) to logits.

    Tan and Le 2021, arXiv:2104.00298: Fused-MBConv in the early stages, MBConv with squeeze and
    excitation in the last. Narrower and shallower than B0, and each of the first three stages
    shrinks the picture, because large feature maps are what costs time on a CPU.

    Args:
        classes: int, number of classes.
        size: int, pixels that the preset's preprocessor resizes to; training may use others.
        dtype: Keras dtype policy's name.
        pooling: "avg" or "max", over the last feature map.
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
            pooling=pooling,
            dropout=dropout,
            head_dtype="float32",
        )


class WarmUpHoldCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate: a linear warm-up, a plateau, then half a cosine down to zero.

    The shape is that of the KerasCV classification guide (warm-up 10 %, hold 45 % of the steps).
    """

    def __init__(self, peak, steps, warm_up=0.1, hold=0.45):
        """Args: peak rate; steps of the whole run; shares of the steps, each 0 to 1."""
        self.peak, self.steps, self.warm_up, self.hold = peak, steps, warm_up, hold

    def __call__(self, step):
        done = tf.cast(step, "float32") / self.steps
        rising = done / max(self.warm_up, 1e-6)
        falling = (done - self.warm_up - self.hold) / (1 - self.warm_up - self.hold)
        cosine = 0.5 * (1 + tf.cos(np.pi * tf.clip_by_value(falling, 0.0, 1.0)))
        return self.peak * tf.minimum(rising, cosine)

    def get_config(self):
        return {name: getattr(self, name) for name in ("peak", "steps", "warm_up", "hold")}


def sgd(peak, steps, weight_decay=5e-4, **shape):
    """SGD with Nesterov momentum 0.9; weight decay spares biases and normalisation."""
    optimizer = keras.optimizers.SGD(
        WarmUpHoldCosine(peak, steps, **shape),
        momentum=0.9,
        nesterov=True,
        weight_decay=weight_decay,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def fit_stages(model, stages, steps, batches_of, work):
    """Fit through stages, each at its own picture size, going on from the last checkpoint.

    Args:
        model: compiled; its preprocessor is set aside meanwhile, since it fixes the size.
        stages: sequence of (last epoch, picture size in pixels), in order.
        steps: int, steps in an epoch.
        batches_of: `batches_of(picture_size, first_epoch)` giving a dataset without end.
        work: Path of the checkpoint's folder.

    Returns:
        float, seconds spent training, over all runs.
    """
    preprocessor, model.preprocessor = model.preprocessor, None
    checkpoint = Checkpoint(work)
    done = checkpoint.restore(model)
    for last, size in stages:
        if done < last:
            model.fit(
                batches_of(size, done),
                initial_epoch=done,
                epochs=last,
                steps_per_epoch=steps,
                callbacks=[checkpoint],
                verbose=2,
            )
            done = last
    model.preprocessor = preprocessor
    return checkpoint.seconds


class Checkpoint(keras.callbacks.Callback):
    """Saves weights, optimizer state, epoch and time spent after every epoch, to go on from."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.seconds, self.epoch = folder, 0.0, 0
        self.started = time.monotonic()

    def restore(self, model):
        """Bring a compiled model back to the last saved epoch; gives the number of epochs done."""
        state = self.folder / "state.json"
        if not state.exists():
            return 0
        saved = json.loads(state.read_text())
        model.optimizer.build(model.trainable_variables)  # else its state is not loaded
        model.load_weights(self.folder / "last.weights.h5")
        self.epoch, self.seconds = saved["epoch"], saved["seconds"]
        return self.epoch

    def on_epoch_end(self, epoch, logs=None):
        """Write the state; the small file that makes it valid comes last."""
        (self.folder / "state.json").unlink(missing_ok=True)
        self.model.save_weights(self.folder / "last.weights.h5")
        self.seconds += time.monotonic() - self.started
        self.started = time.monotonic()
        state = {"epoch": epoch + 1, "seconds": self.seconds}
        (self.folder / "state.json").write_text(json.dumps(state))


def compile_for_training(model, optimizer, smoothing=0.1):
    """Compile with smoothed cross-entropy on logits (Szegedy et al. 2016), without XLA.

    XLA is left out because it is two to three times slower than a plain graph on a CPU.
    """
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )


def finish(build, trained, args, held_out, seconds, measure="top1", **more):
    """Save the preset in float32, then score what was saved and write its record.

    Args:
        build: `build(dtype=...)` giving the untrained network.
        trained: the network that was fitted, of the same build.
        args: the recipe's arguments.
        held_out: Photos that the training never saw.
        seconds: float, time spent training.
        measure: the key of `scores` that is the model's headline figure.
        **more: further figures for the record.
    """
    model = build(dtype="float32")
    model.set_weights(trained.get_weights())
    recipe.save(model, args.out, held_out.classes)
    saved = keras_hub.models.ImageClassifier.from_preset(str(args.out))
    result = scores(probabilities(saved, held_out.images), held_out.labels)
    return recipe.report(
        args.out,
        MEASURES[measure],
        result[measure],
        more.pop("held_out_as"),
        saved,
        seconds,
        held_out_count=len(held_out),
        **result,
        **more,
    )


def probabilities(model, images, batch=250):
    """Class probabilities (count, classes) of uint8 images, through the model's preprocessor."""
    network = tf.function(lambda x: tf.nn.softmax(model(model.preprocessor(x), training=False)))
    parts = [network(images[at : at + batch]).numpy() for at in range(0, len(images), batch)]
    return np.concatenate(parts)


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
