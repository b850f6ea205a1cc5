"""The published checkpoints' architectures at full size, with random weights, as their presets.

Knows no hub and no clock. BUILD holds a function for each row of the catalogue that can be built:
it takes a folder (Path), writes the preset there, and gives the numbers of parameters (int) of what
it wrote, with and without the task's own layers where these differ. Left out are those whose sizes
only their preset states.
"""

import functools
import json

from benchmarks import architectures

# Pieces that GPT-2, Qwen3, Gemma 3, PaliGemma, OPT and CLIP know.
VOCABULARY, QWEN_VOCABULARY, GEMMA_VOCABULARY = 50_257, 151_936, 262_144
PALIGEMMA_VOCABULARY, OPT_VOCABULARY, CLIP_VOCABULARY = 257_152, 50_304, 49_408
OPT_ENDS = ("<pad>", "</s>", "<image>")
QWEN3_5_VOCABULARY = 248_320
QWEN3_5_ENDS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")


def _saved(build):
    """A builder that saves the task that `build` makes; gives its and its backbone's size."""

    @functools.wraps(build)
    def write(folder):
        task = build()
        task.save_to_preset(str(folder))
        return task.count_params(), task.backbone.count_params()

    return write


def _saved_by_kerascv(build):
    """The same for a task of KerasCV's."""

    @functools.wraps(build)
    def write(folder):
        from keras_cv.src.utils import preset_utils

        task = build()
        preset_utils.save_to_preset(task, str(folder))
        return (task.count_params(),)

    return write


def _classifier(kind, backbone, side):
    import keras_hub

    models, layers = keras_hub.models, keras_hub.layers
    converter = getattr(layers, f"{kind}ImageConverter")(
        image_size=(side, side), scale=1 / 127.5, offset=-1.0
    )
    preprocessor = getattr(models, f"{kind}ImageClassifierPreprocessor")(converter)
    task = getattr(models, f"{kind}ImageClassifier")
    return task(backbone=backbone, num_classes=1000, preprocessor=preprocessor)


@_saved
def _resnet_classifier():
    return _classifier("ResNet", architectures.resnet_50(), 224)


@_saved
def _efficientnet():
    import keras_hub
    from keras_hub.src.utils.timm import convert_efficientnet

    sizes = convert_efficientnet.convert_backbone_config({"architecture": "efficientnet_b0"})
    return _classifier("EfficientNet", keras_hub.models.EfficientNetBackbone(**sizes), 224)


@_saved
def _mobilenet():
    import keras_hub
    from keras_hub.src.utils.timm import convert_mobilenet

    sizes = convert_mobilenet.convert_backbone_config({"architecture": "mobilenetv3_small_100"})
    return _classifier("MobileNet", keras_hub.models.MobileNetBackbone(**sizes), 224)


@_saved_by_kerascv
def _efficientnet_v2():
    import keras_cv

    backbone = keras_cv.models.EfficientNetV2Backbone(
        include_rescaling=True,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        stackwise_kernel_sizes=[3] * 6,
        stackwise_num_repeats=[1, 2, 2, 3, 5, 8],
        stackwise_input_filters=[32, 16, 32, 48, 96, 112],
        stackwise_output_filters=[16, 32, 48, 96, 112, 192],
        stackwise_expansion_ratios=[1, 4, 4, 4, 6, 6],
        stackwise_squeeze_and_excite_ratios=[0, 0, 0, 0.25, 0.25, 0.25],
        stackwise_strides=[1, 2, 2, 2, 1, 2],
        stackwise_conv_types=["fused"] * 3 + ["unfused"] * 3,
    )
    return keras_cv.models.ImageClassifier(backbone, num_classes=1000)


@_saved_by_kerascv
def _yolo():
    import keras_cv

    backbone = keras_cv.models.YOLOV8Backbone([96, 192, 384, 576], [2, 4, 4, 2], True)
    return keras_cv.models.YOLOV8Detector(backbone, 20, "xyxy", fpn_depth=2)


@_saved
def _vit():
    import keras_hub

    backbone = keras_hub.models.ViTBackbone(
        image_shape=(224, 224, 3),
        patch_size=16,
        num_layers=12,
        num_heads=12,
        hidden_dim=768,
        mlp_dim=3072,
    )
    return _classifier("ViT", backbone, 224)


@_saved
def _retinanet():
    import keras_hub

    side, models = 800, keras_hub.models
    backbone = models.RetinaNetBackbone(
        architectures.resnet_50(), 3, 7, use_p5=True, image_shape=(None, None, 3)
    )
    anchors = keras_hub.layers.AnchorGenerator("xyxy", 3, 7, 3, [0.5, 1.0, 2.0], 4.0)
    converter = keras_hub.layers.RetinaNetImageConverter(image_size=(side, side), scale=1 / 255)
    preprocessor = models.RetinaNetObjectDetectorPreprocessor(converter)
    return models.RetinaNetObjectDetector(backbone, 91, "xyxy", anchors, preprocessor=preprocessor)


def _dfine(levels, width, feed, expansion, depth, points):
    """A builder of a D-FINE on its lightest encoder, at 640 pixels.

    Args:
        levels: int, of the encoder's stages that it sees, the last ones.
        width, feed: int, of its layers and between them.
        expansion, depth: float, of the hybrid encoder.
        points: list of int, that a query looks at, a level each.
    """

    def build():
        import keras_hub

        models, side = keras_hub.models, 640
        stages, channels = ["stage2", "stage3", "stage4"][-levels:], [256, 512, 1024][-levels:]
        encoder = models.HGNetV2Backbone(
            depths=[1, 1, 2, 1],
            embedding_size=16,
            hidden_sizes=[64, 256, 512, 1024],
            stem_channels=[3, 16, 16],
            hidden_act="relu",
            use_learnable_affine_block=True,
            stackwise_stage_filters=[
                [16, 16, 64, 1, 3, 3],
                [64, 32, 256, 1, 3, 3],
                [256, 64, 512, 2, 3, 5],
                [512, 128, 1024, 1, 3, 5],
            ],
            apply_downsample=[False, True, True, True],
            use_lightweight_conv_block=[False, False, True, True],
            out_features=stages,
        )
        backbone = models.DFineBackbone(
            backbone=encoder,
            decoder_in_channels=[width] * levels,
            encoder_hidden_dim=width,
            num_labels=80,
            num_denoising=0,
            learn_initial_query=False,
            num_queries=300,
            anchor_image_size=(side, side),
            feat_strides=[8, 16, 32][-levels:],
            num_feature_levels=levels,
            hidden_dim=width,
            encoder_in_channels=channels,
            encode_proj_layers=[levels - 1],
            num_attention_heads=8,
            encoder_ffn_dim=feed,
            num_encoder_layers=1,
            hidden_expansion=expansion,
            depth_multiplier=depth,
            eval_idx=-1,
            num_decoder_layers=3,
            decoder_attention_heads=8,
            decoder_ffn_dim=feed,
            decoder_n_points=points,
            lqe_hidden_dim=64,
            num_lqe_layers=2,
            out_features=stages,
        )
        converter = keras_hub.layers.DFineImageConverter(image_size=(side, side), scale=1 / 255)
        preprocessor = models.DFineObjectDetectorPreprocessor(converter)
        return models.DFineObjectDetector(backbone, 80, "yxyx", preprocessor=preprocessor)

    return build


@_saved
def _bert_tiny():
    import keras_hub

    models, words = keras_hub.models, ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good"]
    backbone = models.BertBackbone(30_522, 2, 2, 128, 512)
    tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=words)
    preprocessor = models.BertTextClassifierPreprocessor(tokenizer, 512)
    return models.BertTextClassifier(backbone, num_classes=2, preprocessor=preprocessor)


def _bytes(size):
    """A byte-level vocabulary of some size without merges to speak of: words are not timed."""
    from models import tokens

    letters = list(tokens.letters())
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    words = [*letters, "oo", *special]
    words += [f"word{at}" for at in range(len(words), size)]
    return {word: at for at, word in enumerate(words)}, ["o o"]


def _gpt2(layers, heads, width):
    import keras_hub

    models = keras_hub.models
    backbone = models.GPT2Backbone(VOCABULARY, layers, heads, width, 4 * width)
    tokenizer = keras_hub.tokenizers.GPT2Tokenizer(*_bytes(VOCABULARY))
    preprocessor = models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=1024)
    return models.GPT2CausalLM(backbone, preprocessor=preprocessor)


def _qwen3():
    import keras_hub

    models = keras_hub.models
    backbone = models.Qwen3Backbone(
        vocabulary_size=QWEN_VOCABULARY,
        num_layers=28,
        num_query_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        hidden_dim=1024,
        intermediate_dim=3072,
        tie_word_embeddings=True,
    )
    tokenizer = keras_hub.tokenizers.Qwen3Tokenizer(*_bytes(QWEN_VOCABULARY))
    preprocessor = models.Qwen3CausalLMPreprocessor(tokenizer, sequence_length=1024)
    return models.Qwen3CausalLM(backbone, preprocessor=preprocessor)


@_saved
def _gemma3():
    import keras_hub

    models = keras_hub.models
    backbone = models.Gemma3Backbone(
        vocabulary_size=GEMMA_VOCABULARY,
        image_size=None,
        num_layers=18,
        num_query_heads=4,
        num_key_value_heads=1,
        hidden_dim=640,
        intermediate_dim=2048,
        head_dim=256,
        use_post_ffw_norm=True,
        use_post_attention_norm=True,
        use_sliding_window_attention=True,
        sliding_window_size=512,
        dtype="bfloat16",
    )
    tokenizer = keras_hub.tokenizers.Gemma3Tokenizer(
        proto=_sentence_pieces(GEMMA_VOCABULARY), has_vision_tokens=False
    )
    preprocessor = models.Gemma3CausalLMPreprocessor(tokenizer, sequence_length=1024)
    return models.Gemma3CausalLM(preprocessor, backbone)


@_saved
def _qwen3_5():
    import keras_hub
    from keras_hub.src.models.qwen3_5.qwen3_5_vision_encoder import Qwen3_5VisionEncoder

    models, words = keras_hub.models, _bytes(QWEN3_5_VOCABULARY - len(QWEN3_5_ENDS))
    see = Qwen3_5VisionEncoder(
        depth=12,
        hidden_size=768,
        num_heads=12,
        intermediate_size=3072,
        out_hidden_size=1024,
        num_position_embeddings=2304,
        dtype="bfloat16",
    )
    backbone = models.Qwen3_5Backbone(
        vocabulary_size=QWEN3_5_VOCABULARY,
        num_layers=24,
        num_query_heads=8,
        num_key_value_heads=2,
        head_dim=256,
        hidden_dim=1024,
        intermediate_dim=3584,
        layer_types=(["linear_attention"] * 3 + ["full_attention"]) * 6,
        tie_word_embeddings=True,
        linear_num_value_heads=16,
        vision_encoder=see,
        mrope_section=[11, 11, 10],
        dtype="bfloat16",
    )
    words[0].update({each: len(words[0]) + at for at, each in enumerate(QWEN3_5_ENDS)})
    tokenizer = keras_hub.tokenizers.Qwen3_5Tokenizer(*words)
    converter = keras_hub.layers.Qwen3_5ImageConverter(
        min_pixels=65_536, max_pixels=16_777_216, scale=1 / 127.5, offset=-1.0
    )
    preprocessor = models.Qwen3_5CausalLMPreprocessor(tokenizer, converter, sequence_length=1024)
    return models.Qwen3_5CausalLM(backbone, preprocessor)


@_saved
def _paligemma():
    import keras_hub

    models = keras_hub.models
    backbone = models.PaliGemmaBackbone(
        vocabulary_size=PALIGEMMA_VOCABULARY,
        image_size=224,
        num_layers=18,
        num_query_heads=8,
        num_key_value_heads=1,
        hidden_dim=2048,
        intermediate_dim=32_768,
        head_dim=256,
        vit_patch_size=14,
        vit_num_heads=16,
        vit_hidden_dim=1152,
        vit_num_layers=27,
        vit_intermediate_dim=4304,
        dtype="bfloat16",
    )
    tokenizer = keras_hub.tokenizers.PaliGemmaTokenizer(
        proto=_sentence_pieces(PALIGEMMA_VOCABULARY)
    )
    converter = keras_hub.layers.PaliGemmaImageConverter(
        image_size=(224, 224), scale=1 / 127.5, offset=-1.0
    )
    preprocessor = models.PaliGemmaCausalLMPreprocessor(tokenizer, converter, sequence_length=512)
    return models.PaliGemmaCausalLM(preprocessor, backbone)


@_saved
def _blip2():
    import keras_hub

    models, words = keras_hub.models, _bytes(OPT_VOCABULARY - 3)
    see = models.BLIP2VisionEncoder(
        image_size=224,
        patch_size=14,
        num_layers=39,
        num_heads=16,
        hidden_dim=1408,
        intermediate_dim=6144,
        use_patch_bias=True,
        use_class_token=True,
        use_mha_bias=True,
        use_mlp_bias=True,
        dropout_rate=0.0,
        layer_norm_epsilon=1e-6,
        initializer_range=0.02,
        dtype="bfloat16",
    )
    ask = models.BLIP2QFormer(
        num_query_tokens=32,
        num_layers=12,
        num_heads=12,
        hidden_dim=768,
        intermediate_dim=3072,
        vision_dim=1408,
        cross_attention_frequency=2,
        dropout=0.0,
        layer_norm_epsilon=1e-12,
        dtype="bfloat16",
    )
    speak = models.BLIP2CustomOPT(
        vocabulary_size=OPT_VOCABULARY,
        num_layers=32,
        num_heads=32,
        hidden_dim=2560,
        intermediate_dim=10_240,
        num_query_tokens=32,
        dropout=0.0,
        max_sequence_length=2048,
        qformer_hidden_dim=768,
        dtype="bfloat16",
    )
    words[0].update({each: len(words[0]) + at for at, each in enumerate(OPT_ENDS)})
    tokenizer = keras_hub.tokenizers.BLIP2OPTTokenizer(*words)
    converter = keras_hub.layers.BLIP2ImageConverter(image_size=(224, 224))
    preprocessor = models.BLIP2CausalLMPreprocessor(tokenizer, converter, sequence_length=128)
    return models.BLIP2CausalLM(
        preprocessor, models.BLIP2Backbone(see, ask, speak, dtype="bfloat16")
    )


def _sentence_pieces(size):
    """A SentencePiece model of some size with Gemma's special pieces, as bytes."""
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    kinds = model.SentencePiece
    special = ("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>")
    for piece in special:
        kind = kinds.UNKNOWN if piece == "<unk>" else kinds.CONTROL
        model.pieces.add(piece=piece, score=0.0, type=kind)
    for value in range(256):
        model.pieces.add(piece=f"<0x{value:02X}>", score=0.0, type=kinds.BYTE)
    for at in range(len(model.pieces), size):
        model.pieces.add(piece=f"word{at}", score=-float(at), type=kinds.NORMAL)
    trainer = model.trainer_spec
    trainer.model_type, trainer.byte_fallback, trainer.vocab_size = trainer.BPE, True, size
    trainer.pad_id, trainer.eos_id, trainer.bos_id, trainer.unk_id = range(4)
    model.normalizer_spec.name, model.normalizer_spec.add_dummy_prefix = "identity", False
    return model.SerializeToString()


def _diffusion(name):
    """A builder of Stable Diffusion's files, in the format that KerasCV publishes."""

    def write(folder):
        import h5py
        from keras.src.legacy.saving import legacy_h5_format
        from keras_cv.src.models.stable_diffusion import decoder, diffusion_model, text_encoder

        from models.architectures import published_diffusion

        kind = getattr(published_diffusion, name)
        sides = (kind.image_size, kind.image_size)
        words = published_diffusion.LENGTH
        reader = getattr(text_encoder, kind.text_encoder_class)
        unet = getattr(diffusion_model, kind.unet_class)
        parts = {
            kind.text_encoder_file: lambda: reader(words, download_weights=False),
            kind.unet_file: lambda: unet(*sides, words, download_weights=False),
            kind.decoder_file: lambda: decoder.Decoder(*sides, download_weights=False),
        }
        count = 0
        for file, build in parts.items():
            model = build()
            count += model.count_params()
            with h5py.File(folder / file, "w") as target:
                legacy_h5_format.save_weights_to_hdf5_group(target, model)
        _clip_words(folder / "assets" / "tokenizer")
        return (count,)

    return write


def _clip_words(folder):
    folder.mkdir(parents=True)
    (folder / "vocabulary.json").write_text(json.dumps(_clip_pieces()))
    (folder / "merges.txt").write_text("#version: 0.2\no o")


def _clip_pieces():
    """A vocabulary for CLIP's tokenizer: letters, within a word and at its end, and hardly more."""
    letters = [letter for letter in _bytes(0)[0] if len(letter) == 1]
    pieces = [*letters, *(each + "</w>" for each in letters), "oo", *CLIP_ENDS]
    return {each: at for at, each in enumerate(pieces)}


CLIP_ENDS = ("<|startoftext|>", "<|endoftext|>")


@_saved
def _stable_diffusion_3():
    import keras_hub
    from keras_hub.src.models.clip.clip_text_encoder import CLIPTextEncoder
    from keras_hub.src.models.vae.vae_backbone import VAEBackbone

    models, half = keras_hub.models, "float16"

    def reader(width, layers, heads, activation):
        return CLIPTextEncoder(
            vocabulary_size=CLIP_VOCABULARY,
            embedding_dim=width,
            hidden_dim=width,
            num_layers=layers,
            num_heads=heads,
            intermediate_dim=4 * width,
            intermediate_activation=activation,
            intermediate_output_index=-2,
            dtype=half,
        )

    def reads(filled_up):
        tokenizer = keras_hub.tokenizers.CLIPTokenizer(
            _clip_pieces(), ["o o"], pad_with_end_token=filled_up
        )
        return models.CLIPPreprocessor(tokenizer, sequence_length=77)

    widths = [128, 256, 512, 512]
    backbone = models.StableDiffusion3Backbone(
        mmdit_patch_size=2,
        mmdit_hidden_dim=1536,
        mmdit_num_layers=24,
        mmdit_num_heads=24,
        mmdit_position_size=384,
        mmdit_qk_norm="rms_norm",
        mmdit_dual_attention_indices=tuple(range(13)),
        vae=VAEBackbone(widths, [2] * 4, widths[::-1], [3] * 4, dtype=half),
        clip_l=reader(768, 12, 12, "quick_gelu"),
        clip_g=reader(1280, 32, 20, "gelu"),
        dtype=half,
    )
    preprocessor = models.StableDiffusion3TextToImagePreprocessor(reads(True), reads(False))
    return models.StableDiffusion3TextToImage(backbone, preprocessor)


BUILD = {
    "efficientnet_b0_ra_imagenet": _efficientnet,
    "mobilenet_v3_small_100_imagenet": _mobilenet,
    "efficientnetv2_b0_imagenet_classifier": _efficientnet_v2,
    "yolo_v8_m_pascalvoc": _yolo,
    "gemma3_instruct_270m": _gemma3,
    "resnet_50_imagenet": _resnet_classifier,
    "vit_base_patch16_224_imagenet": _vit,
    "retinanet_resnet50_fpn_v2_coco": _retinanet,
    "dfine_nano_coco": _saved(_dfine(2, 128, 512, 0.34, 0.5, [6, 6])),
    "dfine_small_coco": _saved(_dfine(3, 256, 1024, 0.5, 0.34, [3, 6, 3])),
    "stable_diffusion_1.4": _diffusion("StableDiffusion14"),
    "stable_diffusion_2.1": _diffusion("StableDiffusion21"),
    "stable_diffusion_3.5_medium": _stable_diffusion_3,
    "bert_tiny_en_uncased_sst2": _bert_tiny,
    "gpt2_base_en": _saved(functools.partial(_gpt2, 12, 12, 768)),
    "gpt2_medium_en": _saved(functools.partial(_gpt2, 24, 16, 1024)),
    "qwen3_0.6b_en": _saved(_qwen3),
    "qwen3_5_0.8b": _qwen3_5,
    "pali_gemma_3b_mix_224": _paligemma,
    "blip2_opt_2.7b": _blip2,
}
