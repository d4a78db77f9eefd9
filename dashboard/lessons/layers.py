"""Lesson: inversion layer by layer, and what the image is when it stops at the last of them."""

from dashboard.lessons.lesson import Arm, Lesson, Measure, Numbers, Verdict
from dashboard.lessons.measures import after_layers, at_the_start, in_the_end

DONE, MOVED = 0.25, 0.75  # share of noise's distance that is left: below, it is there; above, it hardly moved


def verdict(numbers: Numbers) -> Verdict:
    """How far from its targets the paper's walk through the layers ends, before the refinement."""
    noise, left, end = (numbers["layers"][key] for key in ("start", "layers", "end"))
    answer = "there" if left < DONE * noise else "way" if left < MOVED * noise else "noise"
    says = {
        "there": "The walk through the layers does nearly all the work.",
        "way": "The walk brings the features nearer, and the refinement does the rest.",
        "noise": "After the walk the features are no nearer to their targets than those of noise.",
    }[answer]
    halves = numbers["halves"]
    return Verdict(
        answer,
        f"{says} In units of the class’s spread, noise is {noise:.2f} away from the targets; reached one layer at a "
        f"time the image is {left:.2f} away, and {end:.2f} after the refinement. In two halves, from a decoder: "
        f"{halves['start']:.2f}, {halves['layers']:.2f} and {halves['end']:.2f}.",
    )


WALK = {
    "groups": "layers", "start": "gaussian", "optimiser": "adam", "iterations_per_layer": 50, "layer_alpha": 20.0,
    "full_iterations": 40,
}  # fmt: skip

LESSON = Lesson(
    key="layers",
    title="One layer at a time",
    question="Inversion can walk from the feature back to the image one layer at a time, each a small problem of its "
    "own. If it stopped on reaching the image, how close would the image’s own feature be to its target?",
    story="The paper’s way: 50 steps at each layer, each from noise with the kept channel statistics; then 40 steps of "
    "refinement through the whole network. Beside it the quick way of this program: two halves of the network, started "
    "from a decoder.",
    options={"there": "Nearly there", "way": "On the way", "noise": "No closer than noise"},
    arms=(
        Arm("layers", "One layer at a time", overrides={"invert": WALK}),
        Arm("halves", "Two halves, decoder"),
    ),
    until=("invert", 1),
    measures={
        "start": Measure("Distance at the start", at_the_start, percent=False),
        "layers": Measure("After the layers", after_layers, percent=False),
        "end": Measure("After the refinement", in_the_end, percent=False),
    },
    verdict=verdict,
    figures=("stops", "film"),
    look_for="Drag the slider of the film through the layers: at which stop can you name the image? Each layer’s own "
    "loss falls, and yet the errors add up on the way down.",
    equation=r"h_{l-1} \;=\; \arg\min_{h}\; \lVert f_l(h) - h_l \rVert^2 \;+\; \alpha\,"
    r"\mathrm{KL}\!\left(\mathcal N(m_h, v_h)\,\Vert\,\mathcal N(\mu_l, \sigma_l^2)\right)",
    where=r"$f_l$: layer $l$; $h_l$: what it should give, $h_L$ the target feature; $\mu_l, \sigma_l^2$: kept channel "
    r"statistics of its input, $m_h, v_h$ those of $h$.",
    explanation="One layer is cheap to invert, for only that layer is passed forward and back. But what is asked of it "
    "need not be an activation that the layers below can give, and then the error goes down with it. Coarser groups "
    "and a better start (a decoder) repair most of that; the refinement through all layers at once repairs the rest.",
    control=("invert", "iterations_per_layer"),
    tries=("invert", "iterations_per_layer"),
    tries_on="layers",
)
