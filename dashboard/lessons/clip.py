"""Lesson: a network that knows the classes by their words before it learns them."""

from dashboard.lessons.lesson import Arm, Lesson, Measure, Numbers, Verdict
from dashboard.lessons.measures import NEW, OLD, TOTAL, zero_shot_accuracy
from dashboard.markup import percent

TIE = 0.03  # a difference below this is none, with one seed


def verdict(numbers: Numbers) -> Verdict:
    """Whether a CLIP that was finetuned on the tasks names more than it did before it learned any."""
    before, after, held = numbers["finetune"]["zero"], numbers["finetune"]["total"], numbers["pmi"]["total"]
    answer = "same" if abs(after - before) < TIE else "more" if after > before else "less"
    says = {
        "more": "Learning adds to what it knew.",
        "same": "What it learned and what it lost weigh the same.",
        "less": "Learning made it worse than it was before the first lesson.",
    }[answer]
    gain = held - before
    with_dreams = (
        f"With dreams replayed it ends above that, at {percent(held)}."
        if gain >= TIE
        else f"With dreams replayed: {percent(held)}."
    )
    return Verdict(
        answer,
        f"{says} By their words alone, {percent(before)} of the test images of all the classes are named rightly; "
        f"after learning the tasks one after the other, {percent(after)}. {with_dreams}",
    )


LESSON = Lesson(
    key="clip",
    title="Known by words",
    question="CLIP compares a picture with words, so it can name these clothes before it has learned one of them here. "
    "Now it learns them, two kinds at a time. After three tasks without replay, does it name more of them than at the "
    "very beginning?",
    story="The small CLIP of this program: both towers stay as they are, and small adapters in their blocks learn. "
    "Finetune sees each task’s images alone; beside it the same with dreams of the old classes.",
    options={"more": "More than before", "same": "About as many", "less": "Fewer than before"},
    arms=(Arm("pmi", "With dreams", "pmi"), Arm("finetune", "Finetune", "finetune")),
    until=("learn", 3),
    measures={
        "zero": Measure("By words, before", zero_shot_accuracy),
        "old": OLD,
        "new": NEW,
        "total": TOTAL,
    },
    verdict=verdict,
    figures=("curves", "sheets"),
    look_for="The line of the words alone: what learning has to beat. Which task ends below what it was worth before "
    "anything was learned?",
    equation=r"p(c \mid x) \;=\; \frac{\exp\!\left(s\,\cos(f(x),\, g(w_c))\right)}"
    r"{\sum_{k}\exp\!\left(s\,\cos(f(x),\, g(w_k))\right)}",
    where=r"$x$: a picture; $w_c$: the words for class $c$; $f, g$: the image and the text tower with their adapters; "
    r"$s$: the scale that CLIP was trained with.",
    explanation="There is no head to learn: a class is where its words point. Finetuning bends both towers until the "
    "newest pictures and the newest words meet, and whatever lay there before is pulled along, although not one weight "
    "of CLIP itself has changed. Dreams of the old classes, and the teacher’s text features, hold the old places. "
    "Inversion goes down the transformer block by block; it can stop at the patch embedding, as the paper’s authors "
    "do, and replay what the blocks would have seen instead of pictures.",
    control=("learn", "strategy"),
    tries=("invert", "stop"),
    tries_on="pmi",
    preset="clip-demo",
    stream={"stream": {"train_per_class": 50}},
)
