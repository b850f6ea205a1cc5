"""Trains a small BERT on batches of pieces and asks it what it thinks; it may begin afresh.

It knows a classifier and batches; it knows no data set.
"""

import keras
import numpy as np

from training.sentiment.review_batches import inputs, padded

TOGETHER = 512  # texts that are asked about in a batch


class Learner:
    """A classifier in training with a running mean of its weights.

    Beginning afresh spares what a new network would cost: on JAX another compiling for every
    length of batch.

    Args:
        classifier: a keras_hub BertTextClassifier.
        steps: int, batches that it will learn from.
        highest: float, learning rate after the warm-up.
        **how: for `compile`.
    """

    def __init__(self, classifier, steps, highest, **how):
        self.classifier, self.tokenizer = classifier, classifier.preprocessor.tokenizer
        # This network takes pieces, not texts.
        self._network = keras.Model(classifier.inputs, classifier.outputs)
        self._network.compile(
            optimizer=optimizer(steps, highest, use_ema=True, ema_momentum=0.998),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            **how,
        )
        self._network.optimizer.build(self._network.trainable_variables)
        self._first = [keras.ops.convert_to_numpy(each).copy() for each in self._variables()]

    def _variables(self):
        return [*self._network.weights, *self._network.optimizer.variables]

    def afresh(self):
        """Go back to the weights and the optimizer's state of the beginning."""
        for variable, value in zip(self._variables(), self._first, strict=True):
            variable.assign(value)

    def fit(self, batches, epochs, backup=None):
        """Learn; with a folder `backup` a run that was cut off goes on from its last epoch."""
        callbacks = [keras.callbacks.BackupAndRestore(str(backup))] if backup else []
        self._network.fit(batches, epochs=epochs, callbacks=callbacks, verbose=2)

    def odds(self, rows, length):
        """Log odds of positive, (rows,) float64, of piece numbers cut to a length."""
        more = rows[:1] * (-len(rows) % TOGETHER)  # a last batch of another size compiles anew
        given = inputs(padded(rows + more, self.tokenizer, length), self.tokenizer)
        logits = self._network.predict(given, batch_size=TOGETHER, verbose=0).astype("float64")
        return (logits[:, 1] - logits[:, 0])[: len(rows)]


def optimizer(steps, highest, **more):
    """AdamW with warm-up and cosine, no decay on biases and norms."""
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, steps, alpha=0.02, warmup_target=highest, warmup_steps=steps // 10
    )
    made = keras.optimizers.AdamW(rate, weight_decay=0.01, clipnorm=1.0, **more)
    made.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return made


def once(file, make):
    """The arrays by name that `make()` gives, kept in the file for a run that was cut off."""
    if not file.exists():
        partial = file.with_suffix(".part.npz")
        np.savez(partial, **make())
        partial.replace(file)
    with np.load(file) as kept:
        return dict(kept)
