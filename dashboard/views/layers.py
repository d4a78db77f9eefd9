"""The layer that is marked in all the views; and how an inversion without a film went, layer by layer."""

import streamlit as st

from dashboard import state
from dashboard.charts import losses, reel
from dashboard.views.plot import plot
from dashboard.views.scene import Scene, framed


def marked(scene: Scene) -> str | None:
    """The layer that the person has chosen to mark, by its name."""
    return state.chosen(_name(scene), None)


def choose(scene: Scene) -> None:
    """Choose a layer to mark: the chain of the network, from the image to the feature."""
    if names := scene.record.get("layer_names"):
        st.segmented_control(
            "Mark a layer (from the image to the feature)", names, key=state.choice(_name(scene)),
            help="Marks the part of the inversion that has it, and what is kept of its input. Click again to let go.",
        )  # fmt: skip


def groups(scene: Scene, layers: list[dict]) -> tuple[str, ...]:
    """The groups of layers of an inversion that have the marked one in them, by their names."""
    layer, order = marked(scene), list(scene.record.get("layer_names", []))
    named = [str(group["name"]) for group in layers]
    return tuple(name for name in named if layer is not None and reel.covers(name, layer, order))


def _name(scene: Scene) -> str:
    """Other networks have other layers."""
    return "layer." + "/".join(scene.record.get("layer_names", []))


def panel(scene: Scene) -> None:
    """The latest inversion, layer by layer."""
    layers, refine = scene.record.get("layers", []), scene.record.get("refine", {})
    if not layers and not refine:
        return
    reading = (
        "The inversion walks from the feature back to the image, last layer first; each layer's loss is its own, so "
        "look at how far each falls. The last part refines the image through the whole network."
    )
    with framed("layers", "How does the inversion go, layer by layer?", reading):
        choose(scene)
        figure = losses.layer_by_layer(layers, refine, scene.ink, groups(scene, layers))
        plot(figure, key="layers", alt="Loss at each layer, then of the refinement")
        spent = [f"{layer['name']} {layer['seconds']:.1f} s" for layer in layers]
        spent.append(f"all layers {refine.get('seconds', 0.0):.1f} s")
        st.caption("Time: " + " · ".join(spent))
        st.caption("This inversion was made before its images were kept on the way; a new one shows them here.")
