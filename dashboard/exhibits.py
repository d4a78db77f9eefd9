"""Results as a series of figures, each with its question and how to read it: for the page, and for a file to send."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from dashboard import findings, standalone
from dashboard.charts import ablation, comparison, racing
from dashboard.evidence import Evidence
from dashboard.palette import Ink

TITLES = {
    "compare": "Strategies compared",
    "race": "The race of inversions",
    "ablate": "One setting changed at a time",
}


@dataclass(frozen=True)
class Exhibit:
    """A figure that is drawn when it is wanted."""

    key: str
    question: str
    reading: str
    draw: Callable[[Ink], go.Figure]


def exhibits(evidence: Evidence) -> list[Exhibit]:
    """The figures of results of this kind, in the order of thought."""
    return {"compare": _compare, "race": _race, "ablate": _ablate}[evidence.kind](evidence)


def _compare(evidence: Evidence) -> list[Exhibit]:
    scenarios = Exhibit(
        "scenarios",
        "Is the class forgotten, or only which task it is of?",
        "Class-incremental: an image may be of any class seen. Task-incremental: it is told which task it is of, so "
        "that only that task’s classes compete.",
        lambda ink: comparison.scenarios(evidence, ink),
    )
    told = any(row.get("task_given_accuracy") is not None for row in evidence.rows)
    return [
        Exhibit(
            "final",
            "Who remembers most in the end?",
            "Symbol: mean. Bar: ± one standard deviation. Dots: the seeds. The dotted line is Gaussians only: what is "
            "left of it was reached without making a single image.",
            lambda ink: comparison.final(evidence, ink),
        ),
        Exhibit(
            "curves",
            "How does it come to that?",
            "Accuracy over all the classes seen after each task, ± one standard deviation. Bold: methods that replay "
            "synthetic images, and Gaussians only.",
            lambda ink: comparison.curves(evidence, ink),
        ),
        Exhibit(
            "heads",
            "Is it the features or the head?",
            "The same features under three heads. Two of them know the old classes from their Gaussians; the first one "
            "from images alone. Dotted: Gaussians only under LDA.",
            lambda ink: comparison.heads(evidence, ink),
        ),
        *([scenarios] if told else []),
        Exhibit(
            "seconds",
            "What does it cost in time?",
            "Seconds a task on the machine that ran it, learning and inversion.",
            lambda ink: comparison.seconds(evidence, ink),
        ),
        Exhibit(
            "kept",
            "What has to be kept?",
            "Bytes kept of the data after the last task, beside the network, which all of them keep.",
            lambda ink: comparison.kept(evidence, ink),
        ),
    ]


def _race(evidence: Evidence) -> list[Exhibit]:
    band = "Line: mean over the seeds. Band: from the least to the most of them."
    return [
        Exhibit(
            "units",
            "Who gets there with the least compute?",
            "The objective, less is better, on logarithmic axes; a unit is one pass forward and backward through the "
            f"whole network. {band} Bold: layer by layer, or group by group.",
            lambda ink: racing.objective(evidence, ink),
        ),
        Exhibit(
            "seconds",
            "And in the least time?",
            f"The objective against CPU seconds, the fit of decoders included. {band}",
            lambda ink: racing.objective(evidence, ink, "seconds"),
        ),
        Exhibit(
            "oracle",
            "Would anyone else recognise the images?",
            "Share of the images in which a network trained apart, on real images, sees the class that was asked for; "
            f"a model’s own opinion of images made for it is worthless. {band}",
            lambda ink: racing.oracle(evidence, ink),
        ),
        Exhibit(
            "variety",
            "Are they all the same picture?",
            "Variance of the pixels within a class; a start that gives one picture fifty times must not look good. "
            + band,
            lambda ink: racing.variety(evidence, ink),
        ),
    ]


def _ablate(evidence: Evidence) -> list[Exhibit]:
    reading = (
        "Difference to the method as it is, on the same seeds: mean ± standard error, best first. Faint circles: less "
        "than two standard errors, perhaps nothing."
    )
    heads = {"linear": "a linear head, from images alone", "lda": "LDA on the Gaussians"}
    return [
        Exhibit(
            f"ablation-{head}",
            f"What does each part bring, read by {words}?",
            reading,
            lambda ink, key=f"head_{head}": ablation.effects(evidence, ink, key),  # type: ignore[misc]
        )
        for head, words in heads.items()
    ]


def page(evidence: Evidence) -> str:
    """All the figures as one HTML file that needs no server and no network."""
    title = TITLES[evidence.kind]
    parts = [standalone.section(one.question, one.reading, standalone.figure(one.draw)) for one in exhibits(evidence)]
    command = escape(str(evidence.facts.get("command", "")))
    return standalone.page(
        title,
        f"<h1>{title}</h1><p>{escape(findings.sentence(evidence))}</p>{''.join(parts)}"
        f"<footer><p>Made by <code>{command}</code></p></footer>",
    )
