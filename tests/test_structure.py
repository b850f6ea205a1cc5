"""Import direction, completeness of the catalogue, truth of the README's tree and tables."""

import ast
import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import huggingface_hub
import pytest

from benchmarks import __main__ as benchmarks
from models import catalog, rows
from tabs import TABS, widgets
from training import model_cards

ROOT = Path(__file__).parent.parent
ALLOWED = {
    "models": {"models"},
    "serving": {"serving", "models"},
    "tabs": {"tabs", "serving", "models"},
    "training": {"training", "models"},
    "benchmarks": {"benchmarks", "models"},
}
OURS = {"app", *ALLOWED}


def _imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_imports_go_one_way(folder):
    for path in (ROOT / folder).rglob("*.py"):
        wrong = {name for name in _imports(path) if name in OURS} - ALLOWED[folder]
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("folder", ["models", "training", "benchmarks"])
def test_no_gradio_below_the_tabs(folder):
    for path in (ROOT / folder).rglob("*.py"):
        assert "gradio" not in set(_imports(path)), path.relative_to(ROOT)


def test_the_page_imports_neither_tensorflow_nor_keras():
    """The page has to answer before they are imported, which takes seconds."""
    code = "import app, sys; print(sorted({'tensorflow', 'keras', 'torch'} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_every_tab_has_the_four_names():
    for tab in TABS:
        assert isinstance(tab.TITLE, str) and isinstance(tab.LEAD, str)
        assert callable(tab.build) and callable(tab.warm_up)


@pytest.mark.parametrize("row", catalog.MODELS, ids=lambda row: row.id)
def test_every_row_is_whole(row):
    importlib.import_module(f"models.{row.capability}")
    assert (row.folder / "config.json").is_file(), "the preset is missing"
    assert {"measure", "value", "held_out"} <= set(row.record)
    assert {"parameters", "minutes", "machine", "date"} <= set(row.record["training"])
    assert (ROOT / "training" / f"{row.id}.py").is_file(), "the recipe is missing"
    assert row.score != "not yet measured"


def test_what_is_read_beside_the_weights_is_kept_for_one_folder_alone(monkeypatch, tmp_path):
    row = catalog.MODELS[0]
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(rows, "BUNDLED", tmp_path)
        assert row.record == {} and row.names() == ()
    assert row.record["value"] > 0 and row.names()


@pytest.mark.parametrize("row", catalog.MODELS, ids=lambda row: row.id)
def test_every_model_card_says_what_was_recorded(row):
    assert row.card == model_cards.card(row), "run: python -m training.model_cards"


@pytest.mark.parametrize(
    "row", [row for row in catalog.MODELS if row.capability == "classification"], ids=lambda r: r.id
)
def test_every_classifier_has_its_labels(row):
    labels = catalog.labels(row.id)
    assert len(set(labels)) == len(labels) >= 10


def test_assets_fit_a_plain_git_host():
    sizes = {path: path.stat().st_size for path in (ROOT / "assets").rglob("*") if path.is_file()}
    assert max(sizes.values()) <= 10_000_000
    assert sum(sizes.values()) <= 120_000_000


def test_the_tree_in_the_readme_is_true():
    """Every file that the tree names exists, and every module of ours is in it."""
    tree = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(), re.S).group(1)
    named = set(_paths(tree))
    missing = {path for path in named if not (ROOT / path).exists()}
    assert not missing, f"named in the README, but not there: {missing}"
    modules = {
        str(path.relative_to(ROOT))
        for folder in ("models", "serving", "tabs", "training", "benchmarks")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert not modules - named, f"not in the README's tree: {modules - named}"


def _paths(tree):
    """Yield each path that an indented tree names; half a line of what it is follows two spaces."""
    parents = []
    for line in tree.splitlines():
        name = line.strip().partition("  ")[0]
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth:] = [name.rstrip("/")]
        if name:
            yield "/".join(parents)


@pytest.mark.parametrize("row", catalog.MODELS, ids=lambda row: row.id)
def test_the_scores_in_the_readme_are_the_measured_ones(row):
    readme = (ROOT / "README.md").read_text()
    (line,) = re.findall(rf"^\| `{row.id}` \|.*$", readme, re.M)
    assert f"| {row.score} |" in line


@pytest.mark.parametrize("row", catalog.PUBLISHED, ids=lambda row: row.id)
def test_the_readme_lists_the_published_checkpoints(row):
    kind = row.capability.replace("_", " ")
    score = (
        f"{row.reported.score} ([{row.reported.by}]({row.reported.page}))" if row.reported else ""
    )
    size = widgets.size(row.download)
    line = f"| `{row.id}` | {kind} | {size} | {row.licence} | {score} |"
    assert line in (ROOT / "README.md").read_text()


def test_spaces_is_told_what_the_project_says():
    told = huggingface_hub.metadata_load(ROOT / "README.md")
    pins = (ROOT / "requirements.txt").read_text()
    assert f"gradio=={told['sdk_version']}" in pins and told["sdk"] == "gradio"
    assert (ROOT / told["app_file"]).is_file() and len(told["short_description"]) <= 60
    assert set(told["models"]) <= {row.ways[0][0].name for row in catalog.PUBLISHED}
    taken = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert taken.split(",")[0] == f">={told['python_version']}"


@pytest.mark.parametrize("file", sorted(ROOT.glob("requirements*.txt")), ids=lambda file: file.stem)
def test_every_requirement_is_pinned(file):
    lines = [line.partition("#")[0].strip() for line in file.read_text().splitlines()]
    assert all(line.startswith("-r ") or "==" in line for line in lines if line)


@pytest.mark.parametrize("part", benchmarks.PARTS)
def test_the_speed_tables_in_the_readme_are_the_measured_ones(part):
    found = json.loads(benchmarks.RESULTS.read_text())
    assert benchmarks.table(part, found) in (ROOT / "README.md").read_text()
    assert found["date"] in (ROOT / "README.md").read_text()


def test_so_is_the_table_of_a_cpu_with_matrix_units():
    found = json.loads(benchmarks.RESULTS.with_name("results-matrix-units.json").read_text())
    readme = (ROOT / "README.md").read_text()
    assert benchmarks.table("architectures", found) in readme
    assert found["date"] in readme
