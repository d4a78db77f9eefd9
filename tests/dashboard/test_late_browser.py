"""A busy browser polls with what its widgets showed before: it must not be taken at its word."""

from types import SimpleNamespace

import pytest

from dashboard.state import widgets


@pytest.mark.parametrize(("asked", "heard"), [(None, True), (["a part of the page"], False)])
def test_a_change_is_heard_only_where_the_whole_page_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, asked: list[str] | None, heard: bool
):
    monkeypatch.setattr(widgets, "get_script_run_ctx", lambda: SimpleNamespace(fragment_ids_this_run=asked))
    changes: list[str] = []
    widgets.heard(changes.append)("changed")
    assert changes == ["changed"] * heard
