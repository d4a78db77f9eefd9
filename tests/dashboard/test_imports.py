"""Plotly takes a pandas that is half imported for a whole one: nobody begins with it while a figure is made."""

import ast
import importlib
import threading
import time
from pathlib import Path

import pytest

from dashboard import charts, imports


def test_nobody_begins_to_import_pandas_while_a_figure_is_made(monkeypatch: pytest.MonkeyPatch):
    imported: list[str] = []
    monkeypatch.setattr(importlib, "import_module", imported.append)
    monkeypatch.delitem(imports.sys.modules, "pandas", raising=False)
    thread = threading.Thread(target=imports.pandas)
    with imports.drawing():
        thread.start()
        time.sleep(0.1)
        assert imported == []
    thread.join(10)
    assert imported == ["pandas"]


def test_every_figure_is_made_so():
    files = (file for file in Path(*charts.__path__).glob("*.py") if file.stem != "style")  # whose one serves them all
    made = [
        (node.name, [ast.unparse(mark) for mark in node.decorator_list])
        for file in files
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        if node.returns is not None and ast.unparse(node.returns) == "go.Figure"
    ]
    assert len(made) > 20
    assert not [name for name, marks in made if "imports.drawing()" not in marks]
