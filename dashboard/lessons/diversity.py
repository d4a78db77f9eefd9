"""Lesson: choosing diverse targets, against plain draws."""

from dashboard.lessons.lesson import Arm, Lesson, Measure, Numbers, Verdict
from dashboard.lessons.measures import OLD, TOTAL, spread
from dashboard.markup import percent

TIE = 0.03  # a difference below this is none, with one seed


def verdict(numbers: Numbers) -> Verdict:
    """Whether chosen targets are better than drawn ones, by the accuracy on old tasks."""
    chosen, drawn = numbers["cfs"]["old"], numbers["random"]["old"]
    answer = "equal" if abs(chosen - drawn) < TIE else "cfs" if chosen > drawn else "random"
    says = {
        "cfs": "Chosen targets remember more.",
        "random": "Plain draws remember more.",
        "equal": "A tie, as honest as it is dull.",
    }[answer]
    return Verdict(
        answer,
        f"{says} Old tasks: {percent(chosen)} with chosen targets, {percent(drawn)} with plain draws; that is one "
        f"seed, and differences below {percent(TIE)} are none. The dreams spread over "
        f"{percent(numbers['cfs']['spread'])} and {percent(numbers['random']['spread'])} of the real deviation.",
    )


LESSON = Lesson(
    key="diversity",
    title="Diversity",
    question="Contrastive feature selection (CFS) draws twice as many target features and keeps those that differ "
    "most, so that the dreams do not all look alike. Does that save more of the old tasks than plain draws?",
    story="The same method twice, from the same first task: targets chosen by CFS, and targets simply drawn from each "
    "class’s Gaussian.",
    options={"cfs": "Yes, clearly", "equal": "Hardly any difference", "random": "Plain draws do better"},
    arms=(Arm("cfs", "CFS", "pmi-cfs"), Arm("random", "Plain draws", "pmi")),
    until=("learn", 3),
    measures={"old": OLD, "total": TOTAL, "spread": Measure("Spread of the dreams", spread)},
    verdict=verdict,
    figures=("curves", "features"),
    look_for="The spread of the hollow points beside the filled ones. A difference of a point or two in accuracy is "
    "what another seed would change as well.",
    equation=r"\mathcal L_{\text{cont}} \;=\; \frac1n \sum_i \log \frac1n \sum_j \exp\bigl(\cos(u_i, u_j) / \tau\bigr)"
    r", \qquad u = f_{\text{cont}}(z)",
    where=r"$z$: features of one class; $f_{\text{cont}}$: the class’s contrastive model, which spreads them over a "
    r"sphere; candidates least like those already chosen are kept.",
    explanation="CFS is the paper’s answer to dreams that all show the same. In this program a Gaussian with its "
    "principal directions already varies along what the class varies in, and 20 draws of it are diverse enough: what "
    "is left to gain is small. That a part of a method brings little under other settings than its authors’ is a "
    "result, too.",
    control=("invert", "selection"),
    tries=("invert", "target_spread"),
    tries_on="random",
)
