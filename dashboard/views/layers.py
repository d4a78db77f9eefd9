"""How did an inversion without a film go: the loss at each layer, one after the other, then of the refinement."""

import streamlit as st

from dashboard.charts import losses
from dashboard.charts.style import CONFIG
from dashboard.views.scene import Scene, framed


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
        figure = losses.layer_by_layer(layers, refine, scene.ink)
        st.plotly_chart(figure, config=CONFIG, key="layers", alt="Loss at each layer, then of the refinement")
        spent = [f"{layer['name']} {layer['seconds']:.1f} s" for layer in layers]
        spent.append(f"all layers {refine.get('seconds', 0.0):.1f} s")
        st.caption("Time: " + " · ".join(spent))
        st.caption("This inversion was made before its images were kept on the way; a new one shows them here.")
