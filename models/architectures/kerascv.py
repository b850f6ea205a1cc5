"""KerasCV's published classifier and detector, with the preprocessors that keras-hub's have.

Knows no page. The networks are KerasCV's own; they take pixels from 0 to 255.
"""

import contextlib

import keras
import keras_cv
import keras_hub
from keras_cv.src.models.object_detection.yolo_v8 import yolo_v8_detector


@contextlib.contextmanager
def policy(dtype):
    """Keras' dtype policy for what KerasCV builds meanwhile, since its classes take none."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype or before)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class _Published:
    """A task of KerasCV.

    Args:
        network: a `keras_cv.models.Task` of the subclass's `task`.
    """

    task, side = None, 0  # class of KerasCV, pixels a side that it was trained on

    def __init__(self, network):
        self.network = network
        converter = keras_hub.layers.ImageConverter(image_size=(self.side, self.side))
        self.preprocessor = keras_hub.models.ImageClassifierPreprocessor(converter)

    @classmethod
    def from_preset(cls, folder, dtype=None):
        """Load what lies in a folder, in a dtype policy."""
        with policy(dtype):
            return cls(cls.task.from_preset(folder))

    @property
    def weights(self):
        """The network's variables."""
        return self.network.weights

    def __call__(self, pixels, training=False):
        """What the network gives for pixels (batch, side, side, 3)."""
        return self.network(pixels, training=training)


class ImageClassifier(_Published):
    """`keras_cv.models.ImageClassifier`, EfficientNetV2 B0 (Tan and Le 2021, arXiv:2104.00298)."""

    task, side = keras_cv.models.ImageClassifier, 224

    @property
    def activation(self):
        """That of its last layer."""
        return self.network.activation


class YOLOV8Detector(_Published):
    """`keras_cv.models.YOLOV8Detector` (Jocher et al. 2023, github.com/ultralytics)."""

    task, side = keras_cv.models.YOLOV8Detector, 640

    def corners(self, distances):
        """Boxes as the network tells them, (batch, cells, 64), in xyxy pixels (batch, cells, 4)."""
        middles, strides = yolo_v8_detector.get_anchors((self.side, self.side, 3))
        sides = yolo_v8_detector.decode_regression_to_boxes(distances)
        return yolo_v8_detector.dist2bbox(sides, middles) * strides[:, None]
