"""Lesson: the honest control, which makes no image at all."""

from dashboard.lessons.lesson import Arm, Lesson, Measure, Numbers, Verdict
from dashboard.lessons.measures import OLD, TOTAL, lda_accuracy
from dashboard.markup import percent

TIE = 0.03  # a difference below this is none, with one seed


def verdict(numbers: Numbers) -> Verdict:
    """Whether the Gaussians alone do as well as replay."""
    alone, replay = numbers["gaussians"]["total"], numbers["pmi"]["total"]
    answer = "equal" if abs(alone - replay) < TIE else "better" if alone > replay else "worse"
    says = {
        "better": "The Gaussians alone do better, without a single image.",
        "equal": "A tie: the images bring nothing that the Gaussians do not have.",
        "worse": "The Gaussians alone do worse: here the images are worth their price.",
    }[answer]
    return Verdict(
        answer,
        f"{says} Over all the classes seen: {percent(alone)} from a frozen network and Gaussians, {percent(replay)} "
        f"with replayed dreams. Reading the replayed network’s classes off its Gaussians too gives "
        f"{percent(numbers['pmi']['lda'])}.",
    )


LESSON = Lesson(
    key="gaussians",
    title="Gaussians only",
    question="For its dreams the method keeps a Gaussian of each class’s features. What if one froze the network after "
    "task 1, made no image at all, and simply asked which Gaussian a new feature most likely came from?",
    story="Gaussians only: the network of task 1 stays as it is; each class is one Gaussian; LDA names the class. "
    "Beside it the replay of dreams from the same first task.",
    options={"worse": "Worse than replay", "equal": "About as good", "better": "Better than replay"},
    arms=(Arm("gaussians", "Gaussians only", "gaussians"), Arm("pmi", "With dreams", "pmi")),
    until=("learn", 3),
    measures={"old": OLD, "total": TOTAL, "lda": Measure("By the Gaussians", lda_accuracy)},
    verdict=verdict,
    figures=("curves", "features"),
    look_for="Every method must be compared with the plainest thing that keeps the same. If it does not beat this "
    "line, its images were not what helped.",
    equation=r"\hat y \;=\; \arg\max_{c}\; \mu_c^\top \Sigma^{-1} z \;-\; \tfrac12\, \mu_c^\top \Sigma^{-1} \mu_c",
    where=r"$z$: penultimate feature of the image; $\mu_c$: mean of class $c$; $\Sigma$: the spread that all classes "
    r"share.",
    explanation="Nothing can be forgotten where nothing changes: a frozen network keeps every old feature in place. "
    "It works as long as what task 1 taught is good enough to tell later classes apart; on these small grey images it "
    "is. Where later tasks need new features, a frozen network falls behind, and images earn their place.",
    control=("learn", "strategy"),
    tries=("learn", "head"),
    tries_on="pmi",
)
