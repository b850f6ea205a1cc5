"""Fits a compiled Keras model to batches that are made by step, and keeps what is done on disk.

Knows no model and no data. Runs on any Keras backend: `fit` leaves a model's state on the device,
where `train_on_batch` fetches it at every step.
"""

import json
import math
import time

import keras

EPOCH = 500  # steps at most between two checkpoints


def fit(model, make, steps, folder, workers=1):
    """Fit `model`, going on from what `folder` holds of a run that was cut off.

    Args:
        model: a built and compiled keras.Model. Where its optimizer keeps a moving average of the
            weights (`use_ema`), that is what the model has in the end.
        make: function of the step (int) that gives a batch as `keras.Model.fit` takes them; with
            several workers it is called on several threads.
        steps: int, to take in all; a few more where they do not fill the last epoch.
        folder: Path for checkpoints, which stay there when the run is over.
        workers: int, threads that make batches.

    Returns:
        dict: `steps` done, `seconds` spent, earlier runs included, and `losses`, the mean of each
        epoch, rounded.
    """
    epochs = math.ceil(steps / EPOCH)
    batches = Batches(make, math.ceil(steps / epochs), workers)
    keeper = Record(folder / "record.json", batches)
    backup = keras.callbacks.BackupAndRestore(str(folder / "backup"), delete_checkpoint=False)
    model.fit(batches, epochs=epochs, callbacks=[backup, keeper], shuffle=False, verbose=2)
    return {"steps": epochs * len(batches), "seconds": keeper.seconds, "losses": keeper.losses}


class Batches(keras.utils.PyDataset):
    """The batches of a run, `each` an epoch; those of `epoch` at a time."""

    def __init__(self, make, each, workers):
        super().__init__(workers=workers, max_queue_size=4 * workers)
        self.make, self.each, self.epoch = make, each, 0

    def __len__(self):
        return self.each

    def __getitem__(self, index):
        return self.make(self.epoch * self.each + index)


class Record(keras.callbacks.Callback):
    """How long a run took and how its loss fell, over all its parts, kept in a JSON file.

    It also says which epoch it is to the Batches, whose own count Keras does not resume.
    """

    def __init__(self, path, batches):
        super().__init__()
        self.path, self.batches, self.losses, self.seconds = path, batches, [], 0.0
        if path.exists():
            kept = json.loads(path.read_text())
            self.losses, self.seconds = kept["losses"], kept["seconds"]
        self.batches.epoch = len(self.losses)
        self.began = time.monotonic() - self.seconds

    def on_epoch_begin(self, epoch, logs=None):
        """Have that epoch's batches drawn."""
        self.batches.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Count an epoch, once its checkpoint is there."""
        self.losses.append(round(float(logs["loss"]), 4))
        self.seconds = time.monotonic() - self.began
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".part")  # a crash while writing leaves the one before
        partial.write_text(json.dumps({"seconds": self.seconds, "losses": self.losses}))
        partial.replace(self.path)
