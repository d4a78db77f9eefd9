"""Take it with you: the command, the steps, the run as a zip, the report; and opening a run that was exported."""

from io import BytesIO

import streamlit as st

from cl_core import recipe
from cl_core.store import StoreError
from dashboard import library, notes, state
from dashboard.views.scene import Scene


@st.dialog("Take it with you", width="large")
def dialog(scene: Scene) -> None:
    """What can be taken along of the moment that one looks at, and a place for what was."""
    from dashboard.views import report

    path = scene.tree.path(scene.node.id)
    st.markdown("##### This run, up to the step you look at", anchors=False)
    st.code(report.command(path), language="bash", wrap_lines=True)
    if recipe.one_config(path) is None:
        st.caption("Its settings were changed on the way: settings.json, below, holds each step's.")
    name = f"inversion-lab-{scene.node.id[:8]}"
    with st.container(horizontal=True, gap="small"):
        _button("Steps (settings.json)", lambda: recipe.of(path).to_json(), "settings.json", "application/json")
        _button("Report (one HTML file)", lambda: _report(scene), f"{name}.html", "text/html")
        if not scene.tree.is_example:
            _button("The whole run (.zip)", lambda: _zip(scene), f"{name}.zip", "application/zip")
    if scene.tree.is_example:
        st.caption("The example is kept without its networks: run your own to take a whole run with you.")
    else:
        st.caption("The zip holds the steps, settings, versions, measures, features, images, network and races.")
    st.markdown("##### Open a run that was exported", anchors=False)
    file = st.file_uploader("A .zip that this program wrote", type="zip", key="import-file")
    if file is not None and st.button("Open it", type="primary", key="import"):
        _open(BytesIO(file.getvalue()))


def _button(label: str, make: object, file_name: str, mime: str) -> None:
    """A file that is made when it is asked for, and not before."""
    st.download_button(label, make, file_name, mime, icon=":material/download:", on_click="ignore")  # type: ignore[arg-type]


def _report(scene: Scene) -> str:
    from dashboard.views import report

    return report.html(
        scene.tree, scene.node.id, notes.read(scene.tree.store, scene.tree.path(scene.node.id)[0].id).name
    )


def _zip(scene: Scene) -> bytes:
    from cl_core.commands import bundle

    return bundle.exported(scene.tree.store, scene.node.id)


def _open(file: BytesIO) -> None:
    from cl_core import archive

    try:
        leaf = archive.unpack(file, library.own_store())
    except StoreError as error:
        st.error(state.plain(str(error)), icon=":material/error:")
        return
    state.adopt(library.glance(library.own_store(), leaf).config)
    state.select(leaf)
    st.rerun()
