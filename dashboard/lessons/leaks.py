"""Lesson: what the kept statistics reveal of the images that were never to be kept."""

from dashboard.lessons.lesson import Arm, Lesson, Measure, Numbers, Verdict
from dashboard.lessons.measures import dreamed_likeness, likeness

SHOWS, BETTER = 0.5, 0.03  # correlation from which on a picture counts as one of the class; a gain worth a word


def verdict(numbers: Numbers) -> Verdict:
    """Which of the two kinds of statistics draws a picture of the class."""
    channel, position = numbers["channel"]["drawn"], numbers["position"]["drawn"]
    answer = "neither" if max(channel, position) < SHOWS else "both" if min(channel, position) >= SHOWS else "position"
    if channel >= SHOWS > position:
        answer = "channel"
    says = {
        "neither": "Neither draws its classes.",
        "both": "Both draw their classes.",
        "position": "By class and position, they are a picture of the class; by channel, one grey.",
        "channel": "By channel they draw the classes, and by class and position they do not.",
    }[answer]
    gain = numbers["position"]["dreamed"] - numbers["channel"]["dreamed"]
    bought = "has made" if gain > BETTER else "has hardly made"
    return Verdict(
        answer,
        f"{says} Beside the average real test image of its class, what the statistics draw correlates "
        f"{channel:.2f} (channel) and {position:.2f} (class and position). What this reveals {bought} the "
        f"dreams more lifelike: the average dream correlates {numbers['channel']['dreamed']:.2f} and "
        f"{numbers['position']['dreamed']:.2f}.",
    )


LESSON = Lesson(
    key="leaks",
    title="What leaks",
    question="“Data-free” means that no image is kept, only statistics. Draw the statistics of the network’s input as "
    "pictures: which kind gives the classes away?",
    story="Channel statistics: one mean and one variance for each channel. Class-position statistics: a mean and a "
    "variance for each class and each position. Both are “only statistics”.",
    options={"neither": "Neither", "position": "Class-position only", "channel": "Channel only", "both": "Both"},
    arms=(
        Arm("channel", "Channel", overrides={"learn": {"statistics": "channel"}}),
        Arm("position", "Class and position", overrides={"learn": {"statistics": "class-position"}}),
    ),
    until=("invert", 1),
    measures={
        "drawn": Measure("Likeness, drawn", likeness, percent=False),
        "dreamed": Measure("Likeness, dreamed", dreamed_likeness, percent=False),
    },
    verdict=verdict,
    figures=("leaks", "sheets"),
    look_for="A mean for each position is an average image. Of clothes it is harmless; of faces, with few images a "
    "class, it may be somebody’s portrait.",
    equation=r"\mu_{\text{channel}} = \tfrac{1}{nhw} \sum_{i,y,x} x_{i,y,x} \qquad\quad "
    r"\mu_{c}(y, x) = \tfrac{1}{n_c} \sum_{i \in c} x_{i,y,x}",
    where=r"Left: one number, averaged over images and positions. Right: as many numbers as an image has pixels; with "
    r"$n_c = 1$ it is the image.",
    explanation="Data-free is a promise about privacy, so it matters what the kept numbers reveal. The more of them, "
    "the better the dreams, and the nearer they are to the data: say what is kept, count its bytes, and draw it. The "
    "class Gaussians of the features, too, are statistics from which images are made here.",
    control=("learn", "statistics"),
    tries=("invert", "input_alpha"),
    tries_on="position",
    from_first=True,
)
