"""Lesson: how many steps of inversion are enough, and what too large a step does."""

from dashboard.lessons.lesson import Arm, Lesson, Measure, Numbers, Verdict
from dashboard.lessons.measures import objective_left
from dashboard.markup import percent

NEAR = 1.1  # a value so many times the least counts as equal to it


def verdict(numbers: Numbers) -> Verdict:
    """Which of the three brings the objective lowest."""
    ends = {name: numbers[name]["end"] for name in ("few", "enough", "fast")}
    answer = min(ends, key=lambda name: ends[name])
    says = {
        "few": "Five steps came lowest: more did not help here.",
        "enough": "Sixty steps came lowest.",
        "fast": "The large step size came lowest: here it did no harm.",
    }[answer]
    near = [name for name, value in ends.items() if name != answer and value <= NEAR * ends[answer]]
    close = " Another one is as good within a tenth." if near else ""
    return Verdict(
        answer,
        f"{says}{close} Of the objective at the start, {percent(ends['few'])} is left after 5 steps, "
        f"{percent(ends['enough'])} after 60, and {percent(ends['fast'])} after 60 with a step size of 10.",
    )


ALONE = {"groups": "whole", "start": "soft", "iterations_per_layer": 0}

LESSON = Lesson(
    key="duration",
    title="How long to dream",
    question="The same targets, three refinements through the whole network from a grey start: 5 steps, 60 steps, and "
    "60 steps of Adam with a step size of 10, “to be quicker”. Which brings the objective lowest?",
    story="No walk through the layers here: only the refinement, so that its length and its step size are all that "
    "matters. The first two use L-BFGS, which finds its own step size.",
    options={"few": "5 steps", "enough": "60 steps", "fast": "60 steps, step size 10"},
    arms=(
        Arm("few", "5 steps", overrides={"invert": ALONE | {"full_iterations": 5}}),
        Arm("enough", "60 steps", overrides={"invert": ALONE | {"full_iterations": 60}}),
        Arm(
            "fast",
            "Step size 10",
            overrides={"invert": ALONE | {"full_iterations": 60, "optimiser": "adam", "full_lr": 10.0}},
        ),
    ),
    until=("invert", 1),
    measures={"end": Measure("Objective left", objective_left)},
    verdict=verdict,
    figures=("refinement", "sheets"),
    look_for="The first few steps bring most of the gain. Too large a step throws the pixels into black and white, "
    "where the gradient has nothing more to say.",
    equation=r"x_{k+1} = x_k - \eta\, \nabla_x J(x_k), \qquad J(x) = d\bigl(f(x), z\bigr)^2 + \alpha "
    r"\sum\nolimits_l \mathrm{KL}_l(x) + \dots",
    where=r"$z$: target feature; $f$: the frozen network; $\eta$: step size; $d$: distance, here Mahalanobis; "
    "$J$: the objective.",
    explanation="Inversion changes the image, not the weights: each step is one pass forward and back through the "
    "network. The gain of a step shrinks as the loss falls, and a lower loss is not always a better image: a network’s "
    "own opinion of images made for it is worth little. With too high a step size the loss jumps instead of falling; "
    "the best image on the way is kept, which hides the failure from who looks at the end only.",
    control=("invert", "full_iterations"),
    tries=("invert", "full_iterations"),
    tries_on="enough",
)
