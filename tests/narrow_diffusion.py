"""KerasCV's Stable Diffusion, narrowed: its own layers, fewer and thinner, with random weights.

The weights' files are in the format of those that KerasCV publishes.
"""

import gzip
import json

import h5py
import keras
from keras.src.legacy.saving import legacy_h5_format
from keras_cv.src.models.stable_diffusion import decoder, diffusion_model, text_encoder
from keras_cv.src.models.stable_diffusion.clip_tokenizer import SimpleTokenizer
from keras_cv.src.models.stable_diffusion.padded_conv2d import PaddedConv2D
from keras_cv.src.models.stable_diffusion.resnet_block import ResnetBlock

SIDE = 128  # pixels of a picture
LENGTH = 77  # pieces of a prompt
WIDTH = 32  # channels, of vectors as well: normalisation makes 32 groups of them
MERGES = ("f o", "fo x</w>", "r e", "re d</w>", "t h", "th e</w>")


class TextEncoder(keras.Model):
    """Words to vectors, in one layer."""

    def __init__(self, max_length, vocab_size=None, name=None, download_weights=True):
        assert not download_weights
        tokens = keras.Input((max_length,), dtype="int32", name="tokens")
        positions = keras.Input((max_length,), dtype="int32", name="positions")
        embed = text_encoder.CLIPEmbedding(len(vocabulary()), WIDTH, max_length)
        layer = text_encoder.CLIPEncoderLayer(WIDTH, 2, activation=text_encoder.quick_gelu)
        x = layer(embed([tokens, positions]))
        x = keras.layers.LayerNormalization(epsilon=1e-5)(x)
        super().__init__([tokens, positions], x, name=name)


class DiffusionModel(keras.Model):
    """The noise in latents, in one block down and one up."""

    def __init__(self, img_height, img_width, max_length, name=None, download_weights=True):
        assert not download_weights
        context = keras.Input((max_length, WIDTH), name="context")
        times = keras.Input((320,), name="timestep_embedding")
        latent = keras.Input((img_height // 8, img_width // 8, 4), name="latent")
        told = keras.layers.Dense(WIDTH, activation="swish")(times)
        first = PaddedConv2D(WIDTH, 3, padding=1)(latent)
        x = PaddedConv2D(WIDTH, 3, strides=2, padding=1)(first)
        x = diffusion_model.ResBlock(2 * WIDTH)([x, told])
        x = diffusion_model.SpatialTransformer(2, WIDTH)([x, context])
        x = keras.layers.Concatenate()([diffusion_model.Upsample(WIDTH)(x), first])
        x = diffusion_model.ResBlock(WIDTH)([x, told])
        x = PaddedConv2D(4, kernel_size=3, padding=1)(x)
        super().__init__([latent, times, context], x, name=name)


class Decoder(keras.Sequential):
    """Latents to pixels."""

    def __init__(self, img_height, img_width, name=None, download_weights=True):
        assert not download_weights
        layers = [
            keras.layers.Input((img_height // 8, img_width // 8, 4)),
            keras.layers.Rescaling(1.0 / 0.18215),
            PaddedConv2D(WIDTH, 3, padding=1),
            ResnetBlock(WIDTH),
            keras.layers.UpSampling2D(8),
            PaddedConv2D(3, 3, padding=1),
        ]
        super().__init__(layers, name=name)


def vocabulary():
    """CLIP's pieces for MERGES, a dict of piece to id, in the order of its own vocabulary."""
    from keras_cv.src.models.stable_diffusion import clip_tokenizer

    bytes_of = list(clip_tokenizer.bytes_to_unicode().values())
    merged = [merge.replace(" ", "") for merge in MERGES]
    special = ["<|startoftext|>", "<|endoftext|>"]
    pieces = [*bytes_of, *(each + "</w>" for each in bytes_of), *merged, *special]
    return {piece: at for at, piece in enumerate(pieces)}


def keras_cv_tokenizer(folder):
    """KerasCV's tokenizer of the same pieces, from a file as OpenAI publishes it."""
    path = folder / "bpe.txt.gz"
    path.write_bytes(gzip.compress("\n".join(["#version: 0.2", *MERGES]).encode()))
    return SimpleTokenizer(path)


def narrow(monkeypatch):
    """Put the narrow networks where the app finds KerasCV's."""
    from models.architectures import published_diffusion, stable_diffusion_3

    monkeypatch.setattr(published_diffusion.PublishedDiffusion, "image_size", SIDE)
    monkeypatch.setattr(stable_diffusion_3.StableDiffusion3, "image_size", SIDE)
    for name in ("TextEncoder", "TextEncoderV2"):
        monkeypatch.setattr(text_encoder, name, TextEncoder)
    for name in ("DiffusionModel", "DiffusionModelV2"):
        monkeypatch.setattr(diffusion_model, name, DiffusionModel)
    monkeypatch.setattr(decoder, "Decoder", Decoder)


def _weights(build, *arguments):
    def write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as file:
            model = build(*arguments, download_weights=False)
            legacy_h5_format.save_weights_to_hdf5_group(file, model)

    return write


def _text(content):
    def write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content())

    return write


_reader, _unet = _weights(TextEncoder, LENGTH), _weights(DiffusionModel, SIDE, SIDE, LENGTH)
FILES = {  # name to what writes it
    "kcv_encoder.h5": _reader,
    "text_encoder_v2_1.h5": _reader,
    "kcv_diffusion_model.h5": _unet,
    "diffusion_model_v2_1.h5": _unet,
    "kcv_decoder.h5": _weights(Decoder, SIDE, SIDE),
    "assets/tokenizer/vocabulary.json": _text(lambda: json.dumps(vocabulary())),
    "assets/tokenizer/merges.txt": _text(lambda: "\n".join(["#version: 0.2", *MERGES])),
}
