"""Lesson: what dreamed images of the old classes save."""

from dashboard.lessons.lesson import Arm, Lesson, Numbers, Verdict
from dashboard.lessons.measures import NEW, OLD, TOTAL
from dashboard.markup import percent

WHOLE, WORTH = 0.8, 0.1  # accuracy on old tasks that counts as nearly all; gain that is worth a word


def verdict(numbers: Numbers) -> Verdict:
    """How much of the old tasks replay saves, and what it costs on the new one."""
    old, without = numbers["pmi"]["old"], numbers["finetune"]["old"]
    answer = "nothing" if old - without < WORTH else "all" if old >= WHOLE else "part"
    says = {
        "all": "Nearly all of it is saved.",
        "part": "A good part is saved, and a part is lost.",
        "nothing": "It did not help here.",
    }[answer]
    cost = numbers["finetune"]["new"] - numbers["pmi"]["new"]
    price = (
        f"The price: {percent(cost)} less on the newest task." if cost > 0.02 else "The newest task does not suffer."
    )
    return Verdict(
        answer,
        f"{says} With dreams replayed, {percent(old)} of the old tasks’ test images are named rightly; without, "
        f"{percent(without)}. {price}",
    )


LESSON = Lesson(
    key="replay",
    title="Replaying dreams",
    question="No old image is kept. Before each new task the network dreams up 20 images of every old class and learns "
    "from them beside the new ones. How much does that save?",
    story="Layer-wise inversion makes the images from the network and a few statistics. Then the next task is learned "
    "on new real images and old synthetic ones. Finetune is the same without the dreams.",
    options={"all": "Nearly all of it", "part": "A good part", "nothing": "Next to nothing"},
    arms=(Arm("pmi", "With dreams", "pmi"), Arm("finetune", "Finetune", "finetune")),
    until=("learn", 3),
    measures={"old": OLD, "new": NEW, "total": TOTAL},
    verdict=verdict,
    figures=("curves", "sheets"),
    look_for="The images: blurred averages are enough to remind a network. Which classes are missing their details?",
    equation=r"\mathcal L \;=\; \mathcal L_{\text{new}}(x) \;+\; \lambda\,"
    r"\bigl\lVert\, g_{\text{student}}(\tilde x) - g_{\text{teacher}}(\tilde x) \,\bigr\rVert_1 \;+\; \dots",
    where=r"$x$: real images of the new classes; $\tilde x$: synthetic ones of the old; $g$: logits of the old "
    r"classes; $\lambda$: hard distillation.",
    explanation="The teacher is the network as it was before the task. On the synthetic images the student is asked "
    "to keep the teacher’s logits (hard distillation), on the real ones to learn the new classes among themselves, "
    "and the head is balanced over both. Only where a dream lies is the old knowledge held in place: that is why it "
    "matters that their features lie where the real ones did.",
    control=("learn", "strategy"),
    tries=("learn", "hard_kd"),
    tries_on="pmi",
)
