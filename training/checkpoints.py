"""Keeps a training run's weights, their moving average and the optimizer's state on disk.

Knows no model and no data: anything compiled with a Keras optimizer.
"""

import logging
import os
import time

import numpy as np

EVERY = 150  # seconds between checkpoints
REPORT = 50  # steps between lines of the log
AVERAGE_EVERY = 10  # steps between updates of the moving average
log = logging.getLogger(__name__)


class Checkpoint:
    """A run's state: restored when made, kept every few minutes, averaged as it goes.

    The moving average of the weights (Polyak and Juditsky 1992) starts short and lengthens to
    `horizon` steps, so that it is of use early as well.

    Args:
        model: a compiled keras.Model.
        path: Path of the .npz file, restored from if it exists.
        horizon: int, steps that the average looks back.
    """

    def __init__(self, model, path, horizon=400):
        self.model, self.path, self.horizon = model, path, horizon
        self.step, self.seconds, self.losses = 0, 0.0, []
        model.optimizer.build(model.trainable_variables)
        self.average = [np.array(each) for each in model.get_weights()]
        if path.exists():
            self._restore()
        self._began = self._kept = time.perf_counter()

    def advance(self, loss):
        """Count one step with its loss; log, average and keep where it is due."""
        self.step += 1
        self.losses.append(loss)
        self.model.reset_metrics()  # Keras reports the mean since the last reset
        if self.step % AVERAGE_EVERY == 0:
            self._update_average()
        if self.step % REPORT == 0:
            log.info("step %d loss %.4f", self.step, np.mean(self.losses[-REPORT:]))
        if time.perf_counter() - self._kept > EVERY:
            self.keep()

    def finish(self):
        """Keep, put the averaged weights into the model, and return the seconds of all runs."""
        self.keep()
        self.model.set_weights(self.average)
        return self.seconds

    def keep(self):
        """Write the state; a crash while writing leaves the one before."""
        now = time.perf_counter()
        self.seconds += now - self._began
        self._began = self._kept = now
        partial = self.path.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, **self._state())
        os.replace(partial, self.path)
        log.info("kept step %d after %.0f s", self.step, self.seconds)

    def _update_average(self):
        share = min(1.0, AVERAGE_EVERY / min(self.horizon, self.step / 2))
        for kept, now in zip(self.average, self.model.get_weights(), strict=True):
            kept += share * (now - kept)

    def _state(self):
        from keras import ops

        variables = self.model.optimizer.variables
        lists = {
            "weights": self.model.get_weights(),
            "average": self.average,
            "optimizer": [ops.convert_to_numpy(each) for each in variables],
        }
        state = {f"{key}_{at}": one for key, each in lists.items() for at, one in enumerate(each)}
        return state | {"step": self.step, "seconds": self.seconds}

    def _restore(self):
        with np.load(self.path) as state:
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.model.set_weights([state[f"weights_{at}"] for at in range(len(self.average))])
            self.average = [state[f"average_{at}"] for at in range(len(self.average))]
            for at, variable in enumerate(self.model.optimizer.variables):
                variable.assign(state[f"optimizer_{at}"])
        log.info("resumed at step %d", self.step)
