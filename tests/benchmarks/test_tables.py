"""The benchmarks: calls in turns, lines, tables, and a small network from end to end."""

import json

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import architectures, browsing, machine, serving, timing
from models import converted, runtime


def test_calls_are_timed_in_turns(monkeypatch):
    monkeypatch.setattr(timing, "ROUNDS", 3)
    order = []
    spent = timing.in_turns({"a": lambda: order.append("a"), "b": lambda: order.append("b")})
    assert order == ["a", "b"] * 4, "a first call of each, then three rounds"
    assert all(0 <= each.median <= each.p95 for each in spent.values())


def test_a_slow_line_ends_after_a_few_rounds(monkeypatch):
    monkeypatch.setattr(timing, "SECONDS", 0.0)
    calls = []
    timing.in_turns({"slow": lambda: calls.append(1)})
    assert len(calls) == 1 + timing.LEAST


def test_a_ratio_says_how_many_times_as_fast_as_the_first(monkeypatch):
    spent = {"Keras": timing.Timing(1.0, 0.06, 0.1), "ours": timing.Timing(2.0, 0.004, 0.1)}
    monkeypatch.setattr(timing, "in_turns", lambda calls: spent)
    line = timing.line("net", {"Keras": None, "ours": None}, apart={})
    assert line["ratio"] == {"Keras": 1.0, "ours": 15.0}
    other = {"name": "other", "milliseconds": {"graph": 9.0}, "ratio": {"graph": 1.0}}
    table = command.table("bundled", {"bundled": [line, other], "machine": {}})
    assert "| net | 60 ms | 4 ms (15 x) |  |" in table and "| other |  |  | 9 ms |" in table


def test_a_bound_is_the_longer_of_computing_and_reading():
    limits = {"gflops": {"float32": 200, "bfloat16": 400}, "bandwidth_gb_s": 20}
    timed = {"milliseconds": {"K": 40}, "ratio": {"K": 1}}
    computing = {"name": "a", "gflop": 2.0, "weights": 1.0, **timed}
    reading = {"name": "b", "gflop": 0.2, "weights": 100.0, **timed}
    assert machine.shortest(computing, limits) == {"float32": 10, "bfloat16": 5}
    assert machine.shortest(reading, limits) == {"float32": 20, "bfloat16": 10}
    light = {"milliseconds": {"K": 40, f"OpenVINO {converted.LIGHT}": 8}, "ratio": {"K": 1}}
    light["ratio"][f"OpenVINO {converted.LIGHT}"] = 5
    lines = [computing, reading | light]
    assert machine.shortest(lines[1], limits)[converted.LIGHT] == 5
    table = command.table("architectures", {"architectures": lines, "machine": limits})
    assert "bound, float32 | bound, bfloat16 | bound, int8 weights |" in table
    assert "| a | 40 ms |  | 10 ms | 5 ms |  |" in table
    assert "| b | 40 ms | 8 ms (5 x) | 20 ms | 10 ms | 5 ms |" in table


def test_demands_count_products_and_weights():
    keras = pytest.importorskip("keras")
    net = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Conv2D(4, 3, use_bias=False),
            keras.layers.Flatten(),
            keras.layers.Dense(5, use_bias=False),
        ]
    )
    pixels = np.ones((1, 6, 6, 3), "float32")
    graph = runtime.compile(architectures._plain, net)
    graph(pixels)
    found = machine.demands(
        converted.trial(graph.graph, [pixels], ("float32",)).networks["float32"]
    )
    assert found["gflop"] == round(2 * (16 * 4 * 27 + 64 * 5) / 1e9, 6)
    assert found["weights"] >= (108 + 320) / 1e6 and found["weights"] < 0.001


def test_a_network_from_end_to_end(monkeypatch):
    keras = pytest.importorskip("keras")
    monkeypatch.setattr(timing, "ROUNDS", 2)

    def build():
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
        return architectures._case(model, [np.ones((1, 8), "float32")])

    line = architectures.measure(architectures.Case("tiny", build))
    assert line["ratio"]["Keras"] == 1 and "OpenVINO float32" in line["milliseconds"]
    assert line["apart"]["float32"] < 1e-3 and line["weights"] >= 0


def test_the_machine_has_bounds(monkeypatch):
    monkeypatch.setattr(machine, "SIDE", 64)
    monkeypatch.setattr(machine, "ROOM", 1_000_000)
    found = machine.bounds()
    assert found["gflops"]["float32"] > 0 and found["bandwidth_gb_s"] > 0


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["speed"])
    assert "no part speed" in capsys.readouterr().err


def test_results_of_other_parts_are_kept(tmp_path, monkeypatch, capsys):
    out = tmp_path / "results.json"
    monkeypatch.setattr(command, "bounds", dict)
    monkeypatch.setattr(command, "run", lambda part: [])
    command.main(["bundled", "--out", str(out)])
    command.main(["architectures", "--out", str(out)])
    assert {"bundled", "architectures", "date", "machine"} == set(json.loads(out.read_text()))


@pytest.mark.slow
def test_the_app_is_started_and_served(monkeypatch):
    monkeypatch.setattr(serving, "SETTLE", 0)
    monkeypatch.setattr(serving, "CLIENTS", (1, 2))
    monkeypatch.setattr(serving, "REQUESTS", 2)
    monkeypatch.setattr(browsing, "ROUNDS", 1)
    found = serving.measure()
    assert found["second_start"]["page_s"] > 0 and found["first_start"]["idle_memory_mb"] > 100
    assert found["clients"]["2"]["per_second"] > 0
    assert found["every_model_mb"] > found["second_start"]["idle_memory_mb"]
    if browsing.able():
        assert all(each["median_ms"] > 0 for each in found["browser"].values())
    assert "second start" in command.table("serving", {"serving": found})
