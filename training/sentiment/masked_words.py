"""Batches of running text with words hidden, and the training that guesses them.

It knows pieces and a BERT; it knows no labels. Devlin et al. 2019, "BERT", section 3.1.
"""

import keras
import keras_hub
import numpy as np

HIDDEN = 0.15  # share of the pieces


class Windows(keras.utils.PyDataset):
    """Windows of the texts, one text after the other, each with some pieces hidden by [MASK].

    Args:
        rows: list of arrays of piece numbers, neighbours where the texts are.
        tokenizer: of BERT, for its special pieces.
        length: int, pieces in a window, with [CLS].
        batch, steps: int, windows in a batch and batches in an epoch.
        seed: int, of what is drawn.
    """

    def __init__(self, rows, tokenizer, length, batch, steps, seed):
        super().__init__()
        end = [tokenizer.sep_token_id]
        self._text = np.concatenate([np.r_[row, end] for row in rows]).astype("int32")
        self._start, self._mask = tokenizer.cls_token_id, tokenizer.mask_token_id
        self._length, self._batch, self._steps = length, batch, steps
        self._seed, self._epoch = seed, 0

    def __len__(self):
        return self._steps

    def on_epoch_end(self):
        self._epoch += 1

    def __getitem__(self, index):
        """What keras_hub's BertMaskedLM takes, and the hidden pieces, (batch, hidden)."""
        rng = np.random.default_rng((self._seed, self._epoch, index))
        room = self._length - 1
        first = rng.integers(len(self._text) - room, size=(self._batch, 1))
        tokens = self._text[first + np.arange(room)]
        tokens = np.insert(tokens, 0, self._start, axis=1)  # (batch, length)
        hidden = max(1, round(HIDDEN * room))
        places = 1 + np.argsort(rng.random((self._batch, room)), axis=1)[:, :hidden]
        answers = np.take_along_axis(tokens, places, axis=1)
        np.put_along_axis(tokens, places, self._mask, axis=1)
        inputs = {
            "token_ids": tokens,
            "padding_mask": np.ones_like(tokens, dtype=bool),
            "segment_ids": np.zeros_like(tokens),
            "mask_positions": places.astype("int32"),
        }
        return inputs, answers


def learn(backbone, windows, optimizer, epochs, **how):
    """Teach a BertBackbone to guess hidden words.

    The vectors of the pieces stay as they are: what GloVe knows of words that no text here has
    would be lost, as nothing would move these along with the others.
    """
    backbone.token_embedding.trainable = False
    task = keras_hub.models.BertMaskedLM(backbone)
    model = keras.Model(task.inputs, task.outputs)  # takes pieces, not texts
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss, **how)
    model.fit(windows, epochs=epochs, verbose=2)
    backbone.token_embedding.trainable = True
