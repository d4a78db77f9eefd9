"""Lesson: features move while a new task is learned, and what was kept of old classes must follow."""

from dashboard.lessons.lesson import Arm, Lesson, Measure, Numbers, Verdict
from dashboard.lessons.measures import OLD, lda_accuracy, off
from dashboard.markup import percent

TIE = 1.1  # a distance less than so many times the other is no difference


def verdict(numbers: Numbers) -> Verdict:
    """Which way of following leaves the kept means nearer to the real ones."""
    again, mapped = numbers["re-estimate"]["off"], numbers["affine"]["off"]
    answer = "equal" if max(again, mapped) < TIE * min(again, mapped) else "images" if again < mapped else "map"
    says = {
        "images": "Measuring again on the dreams stays nearer.",
        "map": "The map stays nearer.",
        "equal": "Hardly a difference.",
    }[answer]
    return Verdict(
        answer,
        f"{says} After two more tasks an old class’s kept mean is {again:.2f} of the class’s own deviation away from "
        f"its real mean when it is measured on dreams, and {mapped:.2f} when it is mapped. Read off these Gaussians, "
        f"{percent(numbers['re-estimate']['lda'])} and {percent(numbers['affine']['lda'])} of the test images are "
        "named rightly.",
    )


LESSON = Lesson(
    key="drift",
    title="Drift",
    question="While a new task is learned, the features of old classes move, and no real image of them is left to "
    "measure where to. Which guess is better: measure again on the dreams, or learn a map from old features to new?",
    story="Re-estimate fits each old class’s Gaussian anew to the features of its synthetic images (the paper). Affine "
    "fits one linear map from the old network’s features to the new one’s, on new real images and dreams together, and "
    "moves every old Gaussian by it.",
    options={"images": "Measure again on the dreams", "map": "Learn a map", "equal": "No difference"},
    arms=(
        Arm("re-estimate", "Re-estimate", overrides={"learn": {"drift": "re-estimate"}}),
        Arm("affine", "Affine map", overrides={"learn": {"drift": "affine"}}),
    ),
    until=("learn", 3),
    measures={
        "off": Measure("Kept mean off by", off, percent=False),
        "lda": Measure("By the Gaussians", lda_accuracy),
        "old": OLD,
    },
    verdict=verdict,
    figures=("features",),
    look_for="The ellipses of the old classes: do they still lie on their filled points? Re-estimated ones also "
    "shrink, for dreams vary less than what they stand for.",
    equation=r"\mu'_c \;=\; A\,\mu_c + b, \qquad \Sigma'_c \;=\; A\,\Sigma_c A^\top, \qquad (A, b) = \arg\min "
    r"\sum\nolimits_i \lVert A z_i + b - z'_i \rVert^2",
    where=r"$z_i, z'_i$: the feature of the same image in the old and in the new network; $\mu_c, \Sigma_c$: what is "
    r"kept of class $c$.",
    explanation="Drift is not forgetting, but leads to it: targets drawn from a stale Gaussian give dreams of what the "
    "network no longer means. What is measured on synthetic images has their faults in it, and the faults are copied "
    "from task to task. The map only needs pairs of features, so real images of the new task help as well.",
    control=("learn", "drift"),
    tries=("learn", "epochs"),
    tries_on="affine",
)
