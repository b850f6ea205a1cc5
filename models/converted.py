"""TensorFlow graphs as OpenVINO programs for a CPU: compared, timed, kept on disk.

Knows no model. A graph is converted once for each shape of its inputs; what came of it, a program
or the reason against one, is kept under a key that the caller chooses, so that the next start has
neither to trace nor to compare.
"""

import dataclasses
import functools
import hashlib
import importlib.metadata
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from models import conversion, rounding

LIGHT = "int8 weights"  # and all else in float32
# How far an output may be from TensorFlow's: root mean square of the error as a share of its own.
# bfloat16 rounds to 1/256, and guidance multiplies that: the first of 25 steps of a drawing is 1 %
# off, the first of two 4 to 18 %. int8 rounds a weight to 1/127 of its channel's largest.
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.1, LIGHT: 0.05}
HALF_TOLERANCE = 0.01  # at least, where TensorFlow itself computes in float16
GAIN = 1.25  # so much faster has bfloat16 or int8 to be than float32 to be worth its rounding
# So much faster has a TensorFlow graph to be than a program to be worth TensorFlow's import, which
# takes seconds and 700 MB, and not to win by what else a busy machine does meanwhile.
IMPORT = 2.0
ROUNDS = 5  # timed calls of each candidate, in turns, at least; quick ones take BRIEF seconds
BRIEF, ENOUGH = 0.2, 10  # seconds of timing after which no further round begins
HINTS = {"float32": "f32", "bfloat16": "bf16", LIGHT: "f32"}

log = logging.getLogger(__name__)
# OpenVINO's converter reports each use to Google Analytics, unless this package is missing.
sys.modules.setdefault("openvino_telemetry", None)


class Unsuited(RuntimeError):
    """A graph that stays on TensorFlow; the message says why, for the page."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of a graph."""

    precision: str  # of TOLERANCE; "" where it stays on TensorFlow
    reason: str  # one sentence for the page
    inputs: tuple[int, ...] = ()  # the arguments that the program takes, others have no effect
    outputs: int = 0  # how many arrays come out; 0 for a single one that is not in a tuple


class Program:
    """An OpenVINO program: NumPy arrays in, NumPy arrays out. For one caller at a time."""

    def __init__(self, network, verdict):
        self.verdict = verdict
        compiled = core().compile_model(
            network,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": HINTS[verdict.precision],
                "PERFORMANCE_HINT": "LATENCY",
                # Else the threads of all programs wait for the same cores, while others are idle:
                # four jobs at once took half as long again, one alone as long as without.
                "ENABLE_CPU_PINNING": False,
                "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,  # where weights are int8, they alone
            },
        )
        self._request = compiled.create_infer_request()
        self._places = [compiled.output(at) for at in range(len(compiled.outputs))]

    def __call__(self, *arrays):
        given = [np.asarray(arrays[at], order="C") for at in self.verdict.inputs]
        found = self._request.infer(dict(enumerate(given)), share_inputs=True)
        values = tuple(found[place] for place in self._places)
        return values if self.verdict.outputs else values[0]


def program(graph, arrays, key, exact=False, make=None, light=False):
    """The Program of a graph for arrays of these shapes, from disk if it is there.

    Args:
        graph: callable, called if it is not there, that gives a tf.function whose arguments are
            arrays and which gives a tensor or a tuple of them.
        arrays: sequence of NumPy arrays to trace, compare and time it with.
        key: str that stands for the graph and its weights; shapes, versions and CPU are added.
        exact: bool, in float32 only.
        make: callable, called first if it is not there, that may put it there in another process.
        light: bool, with int8 weights as well, if it has so many that reading them takes the time.

    Raises:
        Unsuited: OpenVINO cannot convert it, or is not equal, or clearly slower.
    """
    allowed = (precisions()[:1] if exact else precisions()) + (LIGHT,) * light
    kind = [(str(each.dtype), each.shape) for each in arrays]
    folder = cache() / _digest(key, kind, allowed)
    found = _kept(folder)
    if make and not found:
        make()
        found = _kept(folder)
    agreed = cache() / f"{_digest(key, allowed)}.json"
    verdict, network = found or _made(folder, graph(), arrays, allowed, agreed)
    if not verdict.precision:
        raise Unsuited(verdict.reason)
    return Program(network, verdict)


def fact(key, find, make=None):
    """What `find()` gives, JSON values: from disk if it was asked for before, else kept there.

    Args:
        key: str that stands for what is asked and the weights that the answer hangs on.
        find: callable without arguments.
        make: as `program` takes it.
    """
    file = cache() / f"{_digest(key)}.json"
    kept = _read(file)
    if make and not kept:
        make()
        kept = _read(file)
    if kept:
        return kept[0]
    found = find()
    _keep_text(file, json.dumps(found))
    return found


def _read(file):
    """The JSON value in a file, alone in a list; [] where there is none to read."""
    try:
        return [json.loads(file.read_text())]
    except (OSError, ValueError):
        return []


def _keep_text(file, text):
    """Write a file beside its place and move it there in one step, where the disk has room."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as partial:
            fresh = Path(partial, file.name)
            fresh.write_text(text)
            fresh.rename(file)
    except OSError as error:
        log.warning("what is known of a model is not kept in %s (%s)", file, error)


def cache():
    """Path of the folder of converted programs, under XDG_CACHE_HOME."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "keras_hands_on" / "converted"


def precisions():
    """The precisions that this CPU computes fast in, float32 first."""
    able = core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("float32", "bfloat16") if "BF16" in able else ("float32",)


@functools.cache
def core():
    """OpenVINO's entry point, made once."""
    import openvino

    return openvino.Core()


@functools.cache
def _versions():
    """What a program depends on besides its graph: our code, the packages, and the CPU."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    ours = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    cpu = core().get_property("CPU", "FULL_DEVICE_NAME")
    packages = map(importlib.metadata.version, ("keras", "tensorflow", "openvino"))
    return (ours, *packages, cpu, *precisions())


def _digest(*parts):
    return hashlib.sha256(repr((*parts, _versions())).encode()).hexdigest()[:32]


def _kept(folder):
    """(Verdict, network or None) of an earlier run; None if there is none or it cannot be read."""
    if not folder.is_dir():
        return None
    try:
        told = json.loads((folder / "verdict.json").read_text())
        verdict = Verdict(**{**told, "inputs": tuple(told["inputs"])})
        return verdict, core().read_model(folder / "program.xml") if verdict.precision else None
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as error:
        log.warning("the converted program in %s cannot be read (%s): made anew", folder, error)
        shutil.rmtree(folder, ignore_errors=True)
        return None


def _made(folder, graph, arrays, allowed, agreed):
    """Judge a graph and keep what came of it.

    The first shape's precision, kept in the file `agreed`, is that of all others: a picture is the
    same alone and among others, whatever either was timed at.
    """
    known = tuple(_read(agreed))
    verdict, network = _judged(graph, arrays, known or allowed)
    if verdict.precision and not known:
        _keep_text(agreed, json.dumps(verdict.precision))
    try:
        _keep(folder, verdict, network)
    except (OSError, RuntimeError) as error:  # the latter is how OpenVINO says that a disk is full
        log.warning("the converted program is not kept in %s (%s)", folder, error)
    return verdict, network


def _keep(folder, verdict, network):
    """Write an entry beside its place and move it there in one step."""
    import openvino

    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        fresh = Path(partial, "entry")
        fresh.mkdir()
        if network is not None:
            openvino.save_model(network, fresh / "program.xml", compress_to_fp16=False)
        (fresh / "verdict.json").write_text(json.dumps(dataclasses.asdict(verdict)))
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)


def _judged(graph, arrays, allowed):
    """(Verdict, network or None): convert, compare with TensorFlow, time in allowed precisions."""
    try:
        tried = trial(graph, arrays, allowed)
    except Unsuited as reason:
        return Verdict("", str(reason)), None
    equal = {
        precision: functools.partial(program, *arrays)
        for precision, program in tried.programs.items()
        if tried.apart[precision] <= max(TOLERANCE[precision], HALF_TOLERANCE * tried.half)
    }
    if not equal:
        return Verdict("", f"OpenVINO's result is {min(tried.apart.values()):.1%} off"), None
    verdict, network = _fastest(tried, equal)
    unequal = (
        f", {each} is {far:.1%} off" for each, far in tried.apart.items() if each not in equal
    )
    return dataclasses.replace(verdict, reason=verdict.reason + "".join(unequal)), network


@dataclasses.dataclass(frozen=True)
class Trial:
    """A graph beside the programs that it was converted to."""

    plain: object  # callable() that runs the graph in TensorFlow
    networks: dict  # precision to openvino.Model
    inputs: tuple[int, ...]
    outputs: int
    programs: dict  # precision to Program
    apart: dict  # precision to how far the program's outputs are from the graph's
    half: bool  # whether the graph computes in float16


def trial(graph, arrays, allowed):
    """Convert a graph and run it in each of the precisions `allowed` on arrays; gives a Trial.

    Raises:
        Unsuited: OpenVINO cannot convert it.
    """
    import tensorflow as tf

    traced = graph.get_concrete_function(*conversion.specs(arrays))
    tensors = [tf.convert_to_tensor(each) for each in arrays]

    def plain():
        return [each.numpy() for each in tf.nest.flatten(traced(*tensors))]

    expected = plain()
    outputs = len(expected) if isinstance(traced.structured_outputs, tuple | list) else 0
    try:
        network, inputs = conversion.convert(traced)
        networks = _networks(network, allowed)
        programs = {
            precision: Program(each, Verdict(precision, "", inputs, outputs))
            for precision, each in networks.items()
        }
    except Exception as error:  # whatever a converter of another project raises
        raise Unsuited(f"OpenVINO cannot convert it: {_telling_line(error)}") from error
    apart = {}
    for precision, each in programs.items():
        found = each(*arrays)
        apart[precision] = distance(expected, found if outputs else [found])
    made = (tensor for op in traced.graph.get_operations() for tensor in op.outputs)
    half = any(tensor.dtype == tf.float16 for tensor in made)
    return Trial(plain, networks, inputs, outputs, programs, apart, half)


def _networks(network, allowed):
    """The network that runs in each of the precisions allowed, a dict; LIGHT where it is large."""
    networks = {precision: network for precision in allowed if precision != LIGHT}
    if LIGHT in allowed and (lighter := rounding.light(network)):
        networks[LIGHT] = lighter
    return networks


def _fastest(tried, equal):
    times = timed({"": tried.plain, **equal})
    best = next(iter(equal))  # float32, unless another shape has settled on another precision
    for precision in equal:
        if times[precision] * GAIN < times[best]:
            best = precision
    if times[best] >= times[""] * IMPORT:
        return Verdict("", "TensorFlow is faster than OpenVINO"), None
    reason = f"{times[''] / times[best]:.1f} times as fast as TensorFlow here"
    return Verdict(best, reason, tried.inputs, tried.outputs), tried.networks[best]


def timed(calls):
    """Least seconds of each of a dict of functions, called in turns.

    The least, since what else the machine does meanwhile can only add to it, and adds more to
    programs whose threads wait for each other.
    """
    spent = {name: [] for name in calls}
    start = time.perf_counter()
    elapsed = done = 0
    while not done or elapsed < (ENOUGH if done < ROUNDS else BRIEF):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            spent[name].append(time.perf_counter() - began)
        elapsed, done = time.perf_counter() - start, done + 1
    return {name: min(each) for name, each in spent.items()}


def distance(expected, found):
    """How far arrays are from what is expected, as TOLERANCE counts it: 0 for equal ones.

    Pixels of type uint8 count as numbers do, other integers and truths by the share that differs.
    """
    return max(_apart(want, got) for want, got in zip(expected, found, strict=True))


def _apart(want, got):
    if want.shape != got.shape:
        return float("inf")
    if np.issubdtype(want.dtype, np.floating) or want.dtype == np.uint8:
        size = max(float(np.linalg.norm(want.astype("float64"))), 1e-6)
        far = float(np.linalg.norm(want.astype("float64") - got)) / size
        return far if np.isfinite(far) else float("inf")
    return float(np.mean(want != got))


def _telling_line(error):
    lines = [line.strip(" -\n") for line in str(error).splitlines()]
    starts = "No conversion rule", "Unsupported operation"
    telling = [line for line in lines if line.startswith(starts)] or lines
    return (telling or [type(error).__name__])[0][:200]
