"""Lesson: what happens to old tasks when nothing holds on to them."""

from dashboard.lessons.lesson import Arm, Lesson, Numbers, Verdict
from dashboard.lessons.measures import NEW, OLD, TOTAL
from dashboard.markup import percent

KNOWN, LOST = 0.6, 0.2  # accuracy on old tasks from which on they count as known, and below which as gone


def verdict(numbers: Numbers) -> Verdict:
    """How much of the old tasks finetuning leaves."""
    old, joint = numbers["finetune"]["old"], numbers["joint"]["old"]
    answer = "well" if old >= KNOWN else "half" if old >= LOST else "gone"
    says = {
        "well": "It still knows them: this stream is easier than most.",
        "half": "A part of the old tasks survives.",
        "gone": "The old tasks are gone.",
    }[answer]
    return Verdict(
        answer,
        f"{says} Finetuned, it names {percent(old)} of their test images; trained on all the images at once, the same "
        f"network names {percent(joint)}. On the newest task finetuning has {percent(numbers['finetune']['new'])}: it "
        "learned, and it overwrote.",
    )


LESSON = Lesson(
    key="forgetting",
    title="Forgetting",
    question="Three tasks, one after the other, each learned on its own images alone. How much of the first two is "
    "left at the end?",
    story="The network learns T-shirts and trousers, then two more tasks of two classes. Finetune goes on training on "
    "the new images only. Joint training sees all the images again: what could be had if nothing went away.",
    options={"well": "Nearly all of it", "half": "About half", "gone": "Next to nothing"},
    arms=(Arm("finetune", "Finetune", "finetune"), Arm("joint", "Joint", "joint")),
    until=("learn", 3),
    measures={"old": OLD, "new": NEW, "total": TOTAL},
    verdict=verdict,
    figures=("curves", "epochs"),
    look_for="The lines of tasks 1 and 2: they do not sink slowly, they fall as soon as the next task begins.",
    equation=r"F_j \;=\; \max_{j \le i < T} R_{i,j} \;-\; R_{T,j}",
    where=r"$R_{i,j}$: accuracy on task $j$ after learning task $i$; $T$: tasks learned.",
    explanation="Forgetting of a task is the best it ever was, less what is left. Nothing in the loss speaks for the "
    "old classes, and all classes share one head: within an epoch it learns that everything is one of the new ones. "
    "This is the class-incremental setting, where nobody says of which task an image is; told the task "
    "(task-incremental), much of the loss would disappear.",
    control=("learn", "strategy"),
    tries=("learn", "strategy"),
    tries_on="finetune",
)
