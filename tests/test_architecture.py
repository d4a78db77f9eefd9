"""The house stands as it was drawn: imports point down only, and what must be light stays light."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Lowest first. A part (a module or a package) may import parts of lower layers, and itself.
LAYERS = {
    "cl_core": [
        {"pulse", "stopwatch"},
        {"config", "datasets", "events", "files", "metrics", "seeding"},
        {"augment", "divergence", "footprint", "images", "nodes", "presets", "racers", "snapshot", "stream"},
        {"backbones", "projection", "recipe", "store", "synthetic"},
        {"shapes", "upkeep"},
        {"pretraining", "statistics"},
        {"heads", "losses", "prompts", "selection", "unseen"},
        {"inversion", "strategies", "unseen_ground"},
        {"newcomer"},
        {"ahead", "memory"},
        {"heads", "learning", "unseen_images"},
        {"dreams", "measure", "unseen_trials"},
        {"unseen_choice"},
        {"state"},
        {"comparison", "experiment"},
        {"oracle"},
        {"race"},
        {"heats"},
        {"archive"},
        {"commands"},
        {"__main__"},
    ],
    "dashboard": [
        {"imports"},
        {
            "bench",
            "drift",
            "estimate",
            "evidence",
            "glossary",
            "job",
            "keeping",
            "network",
            "notes",
            "palette",
            "pictures",
            "points",
            "progress",
            "stress",
            "umap_child",
        },
        {"library", "heats"},
        {"asking", "branches", "fetch", "markup", "projections", "pairs", "state", "teaching", "waiting", "work"},
        {"cancels", "deltas", "newcomers", "visitor"},
        {"cards", "charts", "closeup", "findings", "forms", "lessons", "soak", "tables"},
        {"standalone"},
        {"exhibits"},
        {"views"},
        {"app", "__main__"},
    ],
}
LIGHT = (
    "config",
    "events",
    "snapshot",
    "metrics",
    "store",
    "datasets",
    "stream",
    "presets",
    "strategies",
    "commands",
    "comparison",
    "pretraining.contest",
    "pretraining.gallery",
    "heats",
    "racers",
)


def imports(file: Path) -> Iterator[str]:
    """Dotted names that a file imports, anywhere in it; `from a import b` counts as a.b."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def part(file: Path, package: str) -> str:
    """The part of the package that a file belongs to; empty for the package's own __init__."""
    first = file.relative_to(ROOT / package).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


@pytest.mark.parametrize("package", LAYERS)
def test_imports_point_down(package):
    level = {name: i for i, layer in enumerate(LAYERS[package]) for name in layer}
    wrong = []
    for file in sources(package):
        here = part(file, package)
        assert here in level or not here, f"Say in LAYERS where {package}.{here} belongs."
        for name in imports(file):
            top, _, rest = name.partition(".")
            there = rest.partition(".")[0]
            if top == package and there != here and not level.get(there, -1) < level.get(here, -1):
                wrong.append(f"{file.relative_to(ROOT)} imports {name}")
    assert not wrong


def test_the_core_knows_nothing_of_the_dashboard():
    found = {name.partition(".")[0] for file in sources("cl_core") for name in imports(file)}
    assert not found & {"dashboard", "streamlit", "plotly", "altair"}


def test_jobs_and_charts_know_nothing_of_the_page():
    below = [ROOT / "dashboard" / "job.py", *(ROOT / "dashboard" / "charts").glob("*.py")]
    assert not [file for file in below for name in imports(file) if name.partition(".")[0] in {"streamlit", "torch"}]


def test_what_the_browser_polls_has_one_door():
    """Elsewhere it could take the place of what stands beside it; polling.py says how."""
    assert {file for file in sources("dashboard") if "run_every" in file.read_text(encoding="utf-8")} == {
        ROOT / "dashboard" / "views" / "polling.py"
    }


def test_open_clip_has_one_door():
    doors = {file for package in LAYERS for file in sources(package) for name in imports(file) if "open_clip" in name}
    assert doors <= {ROOT / "cl_core" / "backbones" / "architectures.py"}


def loaded(modules: list[str]) -> set[str]:
    """The top-level packages in memory after importing modules in a fresh interpreter."""
    code = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    code += "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code, *modules], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def module_names(package: str) -> list[str]:
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sources(package)]
    return [name.removesuffix(".__init__") for name in names]


def test_every_core_module_can_be_imported_without_a_screen():
    assert not loaded(module_names("cl_core")) & {"streamlit", "plotly", "altair", "dashboard"}


def test_what_the_first_screen_needs_imports_no_torch():
    assert not loaded([f"cl_core.{name}" for name in LIGHT]) & {"torch", "streamlit", "umap", "sklearn", "scipy"}


def test_the_dashboard_imports_neither_torch_nor_umap_at_once():
    names = [name for name in module_names("dashboard") if part_of(name) not in {"app", "__main__"}]
    assert not loaded(names) & {"torch", "umap", "numba", "sklearn"}


def part_of(module: str) -> str:
    return [*module.split("."), ""][1]
