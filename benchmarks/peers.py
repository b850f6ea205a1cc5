"""The same architectures in PyTorch, from transformers and diffusers, with random weights.

Knows nothing of Keras. What it needs is in requirements-peers.txt; without it there are no peers.
"""

import importlib.util

PACKAGES = ("torch", "transformers", "diffusers")


def installed():
    """Whether the packages of requirements-peers.txt are there."""
    return all(map(importlib.util.find_spec, PACKAGES))


def bert(ids, segments, mask):
    """BERT base on token ids, segments and mask, each (texts, length) of int32."""
    import torch
    from transformers import BertConfig, BertModel

    given = [torch.from_numpy(each.astype("int64")) for each in (ids, mask, segments)]
    return _in_each_precision(BertModel(BertConfig()), lambda model: lambda: model(*given))


def diffusion(latents, times, context):
    """Stable Diffusion 1.4's U-Net on latents (2, height, width, 4) and context (2, 77, 768).

    The sinusoids of the times are part of this network; any time costs the same.
    """
    import torch
    from diffusers import UNet2DConditionModel

    network = UNet2DConditionModel(sample_size=latents.shape[1], cross_attention_dim=768)
    moved = torch.from_numpy(latents.transpose(0, 3, 1, 2).copy())
    words = torch.from_numpy(context)

    def call(model):
        given = [moved.to(model.dtype), torch.tensor(500), words.to(model.dtype)]
        return lambda: model(*given)

    return _in_each_precision(network.to(memory_format=torch.channels_last), call)


def gpt2(ids, added):
    """GPT-2 base: `added` tokens after ids (1, given), each the likeliest, with its cache."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    given = torch.from_numpy(ids.astype("int64"))
    options = {"max_new_tokens": added, "min_new_tokens": added, "do_sample": False}
    mask = torch.ones_like(given)

    def call(model):
        return lambda: model.generate(given, attention_mask=mask, pad_token_id=0, **options)

    return _in_each_precision(GPT2LMHeadModel(GPT2Config()), call)


def _in_each_precision(network, call):
    """Calls of a torch module: dict of "PyTorch" and a precision to function."""
    import copy

    import torch

    networks = {
        "PyTorch float32": network.eval(),
        "PyTorch bfloat16": copy.deepcopy(network).to(torch.bfloat16).eval(),
    }

    def inferring(run):
        def timed():
            with torch.inference_mode():
                return run()

        return timed

    return {name: inferring(call(each)) for name, each in networks.items()}
