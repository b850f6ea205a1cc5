"""Presets of the real class of each published row, narrowed, as `save_to_preset` writes them.

Their weights are random, drawn by seed; what the rows' code does with them is what it does with the
published ones.
"""

import io

import keras
import keras_cv
import keras_hub
import numpy as np
import sentencepiece
from keras_cv.src.utils import preset_utils
from keras_hub.src.models.clip.clip_text_encoder import CLIPTextEncoder
from keras_hub.src.models.qwen3_5.qwen3_5_vision_encoder import Qwen3_5VisionEncoder
from keras_hub.src.models.vae.vae_backbone import VAEBackbone

from tests import narrow_diffusion

SIDE = 64  # pixels of the classifiers' pictures
TEXT = "the red fox ran to the sea and the blue fish swam to the red fox. "


def save(row, folder):
    """Write a published row's narrowed preset into a hub's folder; gives its repositories.

    Args:
        row: models.rows.Published.
        folder: Path; what a source is called, goes to the folder of that name in it.

    Returns:
        dict of the sources' names to Paths, as hub_server takes it.
    """
    keras.utils.set_random_seed(7)
    if row.name in BUILD:
        task, preset = BUILD[row.name](row.name), folder / row.name
        if hasattr(task, "save_to_preset"):
            task.save_to_preset(str(preset))
        else:  # KerasCV's have a function for it
            preset_utils.save_to_preset(task, str(preset))
        return dict.fromkeys((way[0].name for way in row.ways), preset)
    repos = {source.name: folder / source.name for source in row.lies_in}
    for source in row.lies_in:
        for name in source.files:
            narrow_diffusion.FILES[name](repos[source.name] / name)
    return repos


def _converter(kind, side=SIDE):
    return kind(image_size=(side, side), scale=1 / 127.5, offset=-1.0, antialias=True)


def _efficientnet(name):
    backbone = keras_hub.models.EfficientNetBackbone(
        stackwise_width_coefficients=[1.0] * 2,
        stackwise_depth_coefficients=[1.0] * 2,
        stackwise_kernel_sizes=[3, 5],
        stackwise_num_repeats=[1, 1],
        stackwise_input_filters=[16, 24],
        stackwise_output_filters=[24, 32],
        stackwise_expansion_ratios=[1, 6],
        stackwise_squeeze_and_excite_ratios=[0.25, 0.25],
        stackwise_strides=[2, 2],
        stackwise_block_types=["v1", "v1"],
    )
    return keras_hub.models.EfficientNetImageClassifier(
        backbone,
        num_classes=1000,
        preprocessor=keras_hub.models.EfficientNetImageClassifierPreprocessor(
            _converter(keras_hub.layers.EfficientNetImageConverter)
        ),
    )


def _mobilenet(name):
    backbone = keras_hub.models.MobileNetBackbone(
        stackwise_expansion=[[16], [24]],
        stackwise_num_blocks=[1, 1],
        stackwise_num_filters=[[16], [24]],
        stackwise_kernel_size=[[3], [5]],
        stackwise_num_strides=[[2], [2]],
        stackwise_se_ratio=[[None], [0.25]],
        stackwise_activation=[["relu"], ["hard_swish"]],
        stackwise_padding=[[1], [2]],
        output_num_filters=32,
        input_activation="hard_swish",
        output_activation="hard_swish",
        input_num_filters=16,
        image_shape=(SIDE, SIDE, 3),
        depthwise_filters=8,
        depthwise_stride=2,
        depthwise_residual=False,
        squeeze_and_excite=0.5,
        last_layer_filter=32,
    )
    return keras_hub.models.MobileNetImageClassifier(
        backbone,
        num_classes=1000,
        preprocessor=keras_hub.models.MobileNetImageClassifierPreprocessor(
            _converter(keras_hub.layers.MobileNetImageConverter)
        ),
    )


def _encoder(block="bottleneck_block", side=SIDE):
    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64, 64, 64],
        stackwise_num_blocks=[1, 1, 1, 1],
        stackwise_num_strides=[1, 2, 2, 2],
        block_type=block,
        image_shape=(side, side, 3),
    )


def _resnet(name):
    return keras_hub.models.ResNetImageClassifier(
        _encoder(),
        num_classes=1000,
        preprocessor=keras_hub.models.ResNetImageClassifierPreprocessor(
            _converter(keras_hub.layers.ResNetImageConverter)
        ),
    )


def _vit(name):
    backbone = keras_hub.models.ViTBackbone(
        image_shape=(SIDE, SIDE, 3),
        patch_size=16,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        mlp_dim=32,
    )
    return keras_hub.models.ViTImageClassifier(
        backbone,
        num_classes=1000,
        preprocessor=keras_hub.models.ViTImageClassifierPreprocessor(
            _converter(keras_hub.layers.ViTImageConverter)
        ),
    )


def _keras_cv_efficientnet(name):
    backbone = keras_cv.models.EfficientNetV2Backbone(
        include_rescaling=True,
        width_coefficient=1.0,
        depth_coefficient=1.0,
        stackwise_kernel_sizes=[3, 3],
        stackwise_num_repeats=[1, 1],
        stackwise_input_filters=[16, 24],
        stackwise_output_filters=[24, 32],
        stackwise_expansion_ratios=[1, 4],
        stackwise_squeeze_and_excite_ratios=[0.0, 0.25],
        stackwise_strides=[2, 2],
        stackwise_conv_types=["fused", "unfused"],
    )
    return keras_cv.models.ImageClassifier(backbone, num_classes=1000)


def _yolo(name):
    """One that sees a dog in every cell, from 2 and 3 cells left and above to 4 and 1 beyond it."""
    backbone = keras_cv.models.YOLOV8Backbone([8, 16, 16, 16], [1, 1, 1, 1], True)
    model = keras_cv.models.YOLOV8Detector(backbone, 20, "xyxy", fpn_depth=1)
    sides = np.zeros((4, 16), "float32")
    sides[range(4), [2, 3, 4, 1]] = 50.0
    kinds = np.full(20, -9.0, "float32")
    kinds[11] = 2.0  # VOC's dog
    for level in (1, 2, 3):
        for part, bias in (("box", sides.ravel()), ("class", kinds)):
            layer = model.get_layer(f"yolo_v8_head_{level}_{part}_3_conv")
            layer.set_weights([np.zeros(layer.kernel.shape, "float32"), bias])
    return model


def _retinanet(name):
    """One that sees a dog at the anchor in the middle of its square, and nothing else."""
    side = 128
    backbone = keras_hub.models.RetinaNetBackbone(
        _encoder("basic_block", side), 3, 7, use_p5=True, image_shape=(side, side, 3)
    )
    anchors = keras_hub.layers.AnchorGenerator("xyxy", 3, 7, 3, [0.5, 1.0, 2.0], 4.0)
    model = keras_hub.models.RetinaNetObjectDetector(
        backbone,
        91,
        "xyxy",
        anchors,
        preprocessor=keras_hub.models.RetinaNetObjectDetectorPreprocessor(
            _converter(keras_hub.layers.RetinaNetImageConverter, side)
        ),
    )
    for head, bias in ((model.classification_head, -9.0), (model.box_head, 0.0)):
        kernel, offset = head.prediction_layer.weights
        kernel.assign(np.zeros(kernel.shape, "float32"))
        offset.assign(np.full(offset.shape, bias, "float32"))
    offset = model.classification_head.prediction_layer.bias
    values = np.full(offset.shape, -9.0, "float32")
    values[18] = 2.0  # COCO's dog, at the first anchor of each place
    offset.assign(values)
    return model


def _dfine(name):
    side = 128
    encoder = keras_hub.models.HGNetV2Backbone(
        stem_channels=[3, 8, 8],
        stackwise_stage_filters=[
            [8, 8, 16, 1, 3, 3],
            [16, 8, 32, 1, 3, 3],
            [32, 16, 64, 1, 3, 5],
            [64, 16, 64, 1, 3, 5],
        ],
        apply_downsample=[False, True, True, True],
        use_lightweight_conv_block=[False, False, True, True],
        depths=[1, 1, 1, 1],
        hidden_sizes=[16, 32, 64, 64],
        embedding_size=8,
        use_learnable_affine_block=True,
        hidden_act="relu",
        image_shape=(None, None, 3),
        out_features=["stage3", "stage4"],
    )
    backbone = keras_hub.models.DFineBackbone(
        backbone=encoder,
        decoder_in_channels=[32, 32],
        encoder_hidden_dim=32,
        num_denoising=0,
        num_labels=80,
        hidden_dim=32,
        learn_initial_query=False,
        num_queries=20,
        anchor_image_size=(side, side),
        feat_strides=[16, 32],
        num_feature_levels=2,
        encoder_in_channels=[64, 64],
        encode_proj_layers=[1],
        num_attention_heads=2,
        encoder_ffn_dim=32,
        num_encoder_layers=1,
        hidden_expansion=0.5,
        depth_multiplier=0.5,
        eval_idx=-1,
        num_decoder_layers=2,
        decoder_attention_heads=2,
        decoder_ffn_dim=32,
        decoder_n_points=[2, 2],
        lqe_hidden_dim=16,
        num_lqe_layers=2,
        out_features=["stage3", "stage4"],
        image_shape=(None, None, 3),
        seed=0,
    )
    return keras_hub.models.DFineObjectDetector(
        backbone,
        num_classes=80,
        bounding_box_format="yxyx",
        preprocessor=keras_hub.models.DFineObjectDetectorPreprocessor(
            _converter(keras_hub.layers.DFineImageConverter, side)
        ),
    )


def _bert(name):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "good", "bad", "film"]
    tokenizer = keras_hub.tokenizers.BertTokenizer(vocabulary=words, lowercase=True)
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(words),
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=512,
    )
    return keras_hub.models.BertTextClassifier(
        backbone,
        num_classes=2,
        preprocessor=keras_hub.models.BertTextClassifierPreprocessor(tokenizer, 512),
    )


def _byte_pairs():
    """A small byte-level vocabulary, a dict, and its merges."""
    from training.text_generation import language_models

    tokenizer = language_models.byte_pairs([TEXT * 4], size=290)
    return dict(tokenizer.vocabulary), list(tokenizer.merges)


def _opinionated(backbone):
    """Give random weights such that the likeliest token is no near tie."""
    rng = np.random.default_rng(3)
    shifts = (rng.normal(0, 0.4, each.shape).astype("float32") for each in backbone.weights)
    pairs = zip(backbone.get_weights(), shifts, strict=True)
    backbone.set_weights([weight + shift for weight, shift in pairs])
    return backbone


def _gpt2(name):
    words, merges = _byte_pairs()
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=len(words),
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=64,
    )
    tokenizer = keras_hub.tokenizers.GPT2Tokenizer(vocabulary=words, merges=merges)
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=64)
    return keras_hub.models.GPT2CausalLM(_opinionated(backbone), preprocessor=preprocessor)


def _qwen3(name):
    words, merges = _byte_pairs()
    words |= {"<|im_start|>": len(words), "<|im_end|>": len(words) + 1}
    backbone = keras_hub.models.Qwen3Backbone(
        vocabulary_size=len(words),
        num_layers=2,
        num_query_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        hidden_dim=16,
        intermediate_dim=32,
    )
    tokenizer = keras_hub.tokenizers.Qwen3Tokenizer(vocabulary=words, merges=merges)
    preprocessor = keras_hub.models.Qwen3CausalLMPreprocessor(tokenizer, sequence_length=64)
    return keras_hub.models.Qwen3CausalLM(_opinionated(backbone), preprocessor=preprocessor)


def _sentence_pieces(*turns):
    """A small SentencePiece model with Gemma's special pieces and settings, as bytes."""
    content = io.BytesIO()
    special = {"pad": "<pad>", "bos": "<bos>", "eos": "<eos>", "unk": "<unk>"}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([TEXT * 4, "caption en\n"]),
        model_writer=content,
        vocab_size=300,
        model_type="BPE",
        byte_fallback=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        user_defined_symbols=",".join(turns),
        hard_vocab_limit=False,
        minloglevel=2,
        **{f"{kind}_id": at for at, kind in enumerate(special)},
        **{f"{kind}_piece": piece for kind, piece in special.items()},
    )
    return content.getvalue()


def _gemma3(name):
    proto = _sentence_pieces("<start_of_turn>", "<end_of_turn>")
    tokenizer = keras_hub.tokenizers.Gemma3Tokenizer(proto=proto, has_vision_tokens=False)
    backbone = keras_hub.models.Gemma3Backbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        image_size=None,
        num_layers=7,  # five look at a window, then one at all, then a window again
        num_query_heads=4,
        num_key_value_heads=1,
        hidden_dim=16,
        intermediate_dim=32,
        head_dim=8,
        use_post_ffw_norm=True,
        use_post_attention_norm=True,
        use_sliding_window_attention=True,
        sliding_window_size=6,
        dtype="bfloat16",
    )
    preprocessor = keras_hub.models.Gemma3CausalLMPreprocessor(tokenizer, sequence_length=64)
    return keras_hub.models.Gemma3CausalLM(preprocessor, _opinionated(backbone))


def _paligemma(name):
    tokenizer = keras_hub.tokenizers.PaliGemmaTokenizer(proto=_sentence_pieces())
    converter = keras_hub.layers.PaliGemmaImageConverter(
        image_size=(28, 28), scale=1 / 127.5, offset=-1.0
    )
    backbone = keras_hub.models.PaliGemmaBackbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        image_size=28,
        num_layers=2,
        num_query_heads=4,
        num_key_value_heads=1,
        hidden_dim=16,
        intermediate_dim=32,
        head_dim=8,
        vit_patch_size=14,
        vit_num_heads=2,
        vit_hidden_dim=16,
        vit_num_layers=1,
        vit_intermediate_dim=32,
        dtype="bfloat16",
    )
    preprocessor = keras_hub.models.PaliGemmaCausalLMPreprocessor(
        tokenizer, converter, sequence_length=64
    )
    return keras_hub.models.PaliGemmaCausalLM(preprocessor, _opinionated(backbone))


def _blip2(name):
    words, merges = _byte_pairs()
    for each in ("<pad>", "</s>", "<image>"):
        words[each] = len(words)
    tokenizer = keras_hub.tokenizers.BLIP2OPTTokenizer(vocabulary=words, merges=merges)
    models = keras_hub.models
    see = models.BLIP2VisionEncoder(
        image_size=28,
        patch_size=14,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
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
        num_query_tokens=4,
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        vision_dim=16,
        cross_attention_frequency=2,
        dropout=0.0,
        layer_norm_epsilon=1e-6,
        dtype="bfloat16",
    )
    speak = models.BLIP2CustomOPT(
        vocabulary_size=len(words),
        num_layers=2,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        num_query_tokens=4,
        dropout=0.0,
        max_sequence_length=128,
        qformer_hidden_dim=16,
        dtype="bfloat16",
    )
    converter = keras_hub.layers.BLIP2ImageConverter(image_size=(28, 28))
    preprocessor = models.BLIP2CausalLMPreprocessor(tokenizer, converter, sequence_length=64)
    backbone = models.BLIP2Backbone(see, ask, speak, dtype="bfloat16")
    return models.BLIP2CausalLM(preprocessor, _opinionated(backbone))


def _qwen3_5(name):
    words, merges = _byte_pairs()
    ends = ("<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>")
    for each in (*ends, "<|image_pad|>", "<|video_pad|>"):
        words[each] = len(words)
    tokenizer = keras_hub.tokenizers.Qwen3_5Tokenizer(vocabulary=words, merges=merges)
    see = Qwen3_5VisionEncoder(
        depth=1,
        hidden_size=16,
        num_heads=2,
        intermediate_size=32,
        out_hidden_size=16,
        num_position_embeddings=64,
    )
    backbone = keras_hub.models.Qwen3_5Backbone(
        vocabulary_size=len(words),
        num_layers=2,
        layer_types=["linear_attention", "full_attention"],
        num_query_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        hidden_dim=16,
        intermediate_dim=32,
        partial_rotary_factor=0.5,
        tie_word_embeddings=True,
        linear_num_key_heads=2,
        linear_num_value_heads=2,
        linear_key_head_dim=8,
        linear_value_head_dim=8,
        mrope_section=[2, 1, 1],
        vision_encoder=see,
        dtype="bfloat16",
    )
    converter = keras_hub.layers.Qwen3_5ImageConverter(
        min_pixels=1024, scale=1 / 127.5, offset=-1.0
    )
    preprocessor = keras_hub.models.Qwen3_5CausalLMPreprocessor(
        tokenizer, converter, sequence_length=64
    )
    return keras_hub.models.Qwen3_5CausalLM(_opinionated(backbone), preprocessor)


def _stable_diffusion_3(name):
    models, words = keras_hub.models, narrow_diffusion.vocabulary()
    merges = list(narrow_diffusion.MERGES)

    def reads(padding):
        tokenizer = keras_hub.tokenizers.CLIPTokenizer(words, merges, pad_with_end_token=padding)
        return models.CLIPPreprocessor(tokenizer, sequence_length=narrow_diffusion.LENGTH)

    def reader(width, activation):
        return CLIPTextEncoder(
            vocabulary_size=len(words),
            embedding_dim=width,
            hidden_dim=width,
            num_layers=2,
            num_heads=2,
            intermediate_dim=2 * width,
            intermediate_activation=activation,
            intermediate_output_index=-2,
        )

    side = narrow_diffusion.SIDE
    backbone = models.StableDiffusion3Backbone(
        mmdit_patch_size=2,
        mmdit_hidden_dim=32,
        mmdit_num_layers=2,
        mmdit_num_heads=2,
        mmdit_position_size=side // 8,
        mmdit_qk_norm="rms_norm",
        mmdit_dual_attention_indices=(0,),
        vae=VAEBackbone([32] * 4, [1] * 4, [32] * 4, [1] * 4),
        clip_l=reader(16, "quick_gelu"),
        clip_g=reader(24, "gelu"),
        image_shape=(side, side, 3),
    )
    preprocessor = models.StableDiffusion3TextToImagePreprocessor(reads(True), reads(False))
    return models.StableDiffusion3TextToImage(_opinionated(backbone), preprocessor)


BUILD = {  # by the preset's name
    "efficientnet_b0_ra_imagenet": _efficientnet,
    "mobilenet_v3_small_100_imagenet": _mobilenet,
    "resnet_50_imagenet": _resnet,
    "vit_base_patch16_224_imagenet": _vit,
    "efficientnetv2_b0_imagenet_classifier": _keras_cv_efficientnet,
    "retinanet_resnet50_fpn_v2_coco": _retinanet,
    "dfine_nano_coco": _dfine,
    "dfine_small_coco": _dfine,
    "yolo_v8_m_pascalvoc": _yolo,
    "stable_diffusion_3.5_medium": _stable_diffusion_3,
    "bert_tiny_en_uncased_sst2": _bert,
    "gpt2_base_en": _gpt2,
    "gpt2_medium_en": _gpt2,
    "gpt2_base_en_cnn_dailymail": _gpt2,
    "qwen3_0.6b_en": _qwen3,
    "gemma3_instruct_270m": _gemma3,
    "qwen3_5_0.8b": _qwen3_5,
    "pali_gemma_3b_mix_224": _paligemma,
    "blip2_opt_2.7b": _blip2,
}
