"""What every recipe shares: its command line, how a preset is saved, and its record of scores.

Knows no model and no data set.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
from pathlib import Path

import h5py
import keras
import numpy as np

from models import converted, loader, runtime

BUNDLED = Path(__file__).parent.parent / "assets" / "models"
SHARD_GB = 0.015  # of float32 weights; half of that on disk, safely under a plain-git host's 10 MB


def arguments(module, argv=None):
    """Parse a recipe's command line.

    Args:
        module: the recipe's `__spec__` or name; its last part is the model's id.
        argv: list of str, or None for the process's own arguments.

    Returns:
        A namespace: `data` (Path or None), `out` (Path), `smoke` (bool), `measure` (bool),
        `by_keras` (bool), `further` (bool), `unmeasured` (bool: end once the preset is saved, as
        where the programs that measure it are not installed), `work` (Path for checkpoints and
        caches), `seed` (int from 0, of what is held out and of the first weights), `drawn` (int,
        seed of what this round draws and of its order) and `earlier` (what is recorded of the
        training before a further round, else {}).
    """
    name = str(getattr(module, "name", module)).rpartition(".")[2]
    parser = argparse.ArgumentParser(prog=f"python -m training.{name}")
    parser.add_argument("--data", type=Path, help="folder with copies of the data sets")
    parser.add_argument("--out", type=Path, default=BUNDLED / name, help="where the preset goes")
    parser.add_argument("--work", type=Path, default=Path(".training") / name, help="checkpoints")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="the whole path in seconds, tiny data")
    parser.add_argument(
        "--measure", action="store_true", help="do not train: measure the preset that is there"
    )
    parser.add_argument(
        "--by-keras",
        action="store_true",
        help="with --measure: on Keras alone, not on the programs that the app converts it to",
    )
    parser.add_argument(
        "--further", action="store_true", help="train the preset that is there once more"
    )
    parser.add_argument(
        "--unmeasured", action="store_true", help="train and save; measure another time"
    )
    parsed = parser.parse_args(argv)
    record = _read(parsed.out)
    if (parsed.measure or parsed.further) and not record:
        parser.error(f"{parsed.out} holds no trained preset: run without --measure and --further")
    parsed.earlier = record["training"] if parsed.further else {}
    rounds = parsed.earlier.get("rounds", 0)
    parsed.drawn = parsed.seed + rounds
    if rounds:
        parsed.work /= f"round {rounds + 1}"
    parsed.work.mkdir(parents=True, exist_ok=True)
    return parsed


def goes_on(model, args, task):
    """Give a further round's model the weights of the preset that is there.

    Args:
        model: an untrained Keras model of the preset's shape; changed in place.
        args: the recipe's arguments; a first round leaves the model as it is.
        task: the class that loads the preset, e.g. `keras_hub.models.ImageClassifier`.
    """
    if args.further:
        model.set_weights(task.from_preset(str(args.out), dtype="float32").get_weights())


def save(model, out, labels=None):
    """Save `model` as a Keras preset with float16 weights in shards that plain git hosts accept.

    Args:
        model: anything with `save_to_preset` (a keras-hub task or backbone).
        out: Path of the preset's folder, replaced in one step.
        labels: sequence of class names in the order of the model's outputs, or None.
    """
    out = Path(out)
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    model.save_to_preset(str(fresh), max_shard_size=SHARD_GB)
    for file in fresh.rglob("*.h5"):
        _halve(file)
    if labels is not None:
        (fresh / "labels.json").write_text(json.dumps(list(labels), indent=0) + "\n")
    shutil.rmtree(out, ignore_errors=True)
    os.replace(fresh, out)


def _halve(file):
    """Rewrite the float32 arrays of a weights file in float16; Keras casts them back on loading."""
    smaller = file.with_suffix(".half")
    with h5py.File(file) as source, h5py.File(smaller, "w") as target:
        _copy_half(source, target)
    os.replace(smaller, file)


def _copy_half(source, target):
    for key, value in source.attrs.items():
        target.attrs[key] = value
    for key, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_half(item, target.create_group(key))
        else:
            array = item[()]
            half = isinstance(array, np.ndarray) and array.dtype == np.float32
            copy = target.create_dataset(key, data=array.astype(np.float16) if half else array)
            for name, value in item.attrs.items():
                copy.attrs[name] = value


def trained(args, model, seconds, **more):
    """Begin training.json beside fresh weights: how they came about.

    Args:
        args: the recipe's arguments.
        model: the Keras model, for its number of parameters.
        seconds: float, wall-clock training time; that of earlier rounds is added, and where it was.
        **more: further figures of this round of training, JSON types only.
    """
    machines = [*args.earlier["machine"].split("; "), machine()] if args.earlier else [machine()]
    training = {
        "parameters": int(model.count_params()),
        "minutes": round(seconds / 60 + args.earlier.get("minutes", 0), 1),
        "machine": "; ".join(dict.fromkeys(machines)),
        "date": datetime.date.today().isoformat(),
        "rounds": args.earlier.get("rounds", 0) + 1,
        **more,
    }
    _write(args.out, {"training": training})


def machine():
    """What kind of machine this is, in words."""
    told = f"{os.cpu_count()} CPU cores, {platform.machine()}"
    if keras.backend.backend() == "jax":
        import jax

        graphics = [each.device_kind for each in jax.devices() if each.platform != "cpu"]
        told = ", ".join([*graphics, told])
    return told


def jit_compile():
    """Whether training steps are compiled by XLA: on JAX, which is slow without it.

    TensorFlow's kernels on a CPU are faster than what XLA makes in their place.
    """
    return keras.backend.backend() == "jax"


def precision():
    """The dtype policy to train a network of matrices in: bfloat16 where that is fast.

    That is everywhere but on TensorFlow on a CPU without instructions for it, which imitates it and
    takes twice the time.
    """
    on_cpu = keras.backend.backend() == "tensorflow" and runtime.on_cpu()
    able = not on_cpu or "bfloat16" in converted.precisions()
    return "mixed_bfloat16" if able else "float32"


def key(args):
    """What `runtime.compile` needs to measure a saved preset as the app runs it.

    None, which keeps it on Keras, where that is asked for, and in a smoke run: converting takes
    longer than it.
    """
    return None if args.by_keras or args.smoke else loader.fingerprint(args.out)


def report(args, measure, value, held_out, **more):
    """Put into training.json what the saved preset scored on data that its recipe held out.

    Scores of an earlier measurement go; how the weights came about stays. What Keras alone scores
    is one more figure, `by_keras`, of the measurement that is there.

    Args:
        args: the recipe's arguments.
        measure: str, what was measured, e.g. "top-1 accuracy, mean over classes".
        value: float, in the measure's own unit (a share is between 0 and 1).
        held_out: str, the data that it was measured on and how it was split off.
        **more: further figures, JSON types only.

    Returns:
        The whole record, a dict.
    """
    earlier, value = _read(args.out), round(float(value), 4)
    if args.by_keras:
        return _write(args.out, {**earlier, "by_keras": value, "training": earlier["training"]})
    score = {"measure": measure, "value": value, "held_out": held_out, **more}
    return _write(args.out, {**score, "training": earlier["training"]})


def _read(out):
    file = Path(out, "training.json")
    return json.loads(file.read_text()) if file.is_file() else {}


def _write(out, record):
    partial = Path(out, "training.json.part")
    partial.write_text(json.dumps(record, indent=2) + "\n")
    os.replace(partial, Path(out, "training.json"))
    return record
