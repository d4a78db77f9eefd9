"""The settings of a class that has never been shown: its projected features, and adapting to them."""

from dataclasses import dataclass

from cl_core.config.settings import setting, validate


@dataclass(frozen=True)
class UnseenConfig:
    """How old classes' features become those of a new class (METHOD.md §8), and what is trained on them."""

    k: int = setting(
        10,
        "How many old classes, those nearest in text, lend their features.",
        label="Old classes that lend",
        group="Projection",
        low=1,
        high=50,
        step=1,
        front=True,
    )
    spread: str = setting(
        "draw",
        "average: each new feature is the mean of one from each lender (the paper), which shrinks the spread; draw: "
        "each comes from one lender, the nearer ones more often.",
        label="Spread",
        group="Projection",
        options=("average", "draw"),
        front=True,
    )
    temperature: float = setting(
        0.1,
        "How evenly lenders are drawn: 0.01 almost always the nearest, 1 all alike.",
        label="Temperature of the draw",
        group="Projection",
        low=0.005,
        high=1,
        step=0.005,
    )
    shift: float = setting(
        0.0,
        "How far each feature then moves toward what the text says: 0 not at all, 1 all the way.",
        label="Shift toward the text",
        group="Projection",
        low=0,
        high=1,
        step=0.05,
    )
    toward: str = setting(
        "text + gap",
        "What it moves toward. text: the new class's text prototype (the paper), apart from where images lie; text + "
        "gap: the same, moved by what lies between the texts and the images of the old classes.",
        label="Where the text says it is",
        group="Projection",
        options=("text", "text + gap"),
    )
    samples: int = setting(
        100,
        "Features of the new class, and of each old class beside them.",
        label="Features a class",
        group="Projection",
        low=2,
        high=2000,
        step=10,
    )
    acts_on: str = setting(
        "prototypes",
        "What learns. prototypes: what each class's text prototype is moved by; features: a small adapter behind the "
        "image tower; both.",
        label="What is adapted",
        group="Adaptation",
        options=("prototypes", "features", "both"),
        front=True,
    )
    steps: int = setting(
        100,
        "Steps of AdamW, each on the features of every class.",
        label="Steps",
        group="Adaptation",
        low=0,
        high=2000,
        step=10,
        front=True,
    )
    lr: float = setting(
        1e-3,
        "Step size of AdamW.",
        label="Learning rate",
        group="Adaptation",
        low=1e-5,
        high=1,
        step=1e-4,
    )
    adapter_size: int = setting(
        16,
        "Numbers that the adapter squeezes a feature through.",
        label="Size of the adapter",
        group="Adaptation",
        low=1,
        high=512,
        step=1,
    )
    new_weight: float = setting(
        10.0,
        "How much each feature of a new class counts in the cross-entropy, where one of an old class counts 1. Their "
        "place is a guess: at 1 the old classes take it over.",
        label="Weight of the new class",
        group="Adaptation",
        low=0.1,
        high=100,
        step=1,
        front=True,
    )
    label_smoothing: float = setting(
        0.1,
        "Share of each label that is spread over all the classes.",
        label="Label smoothing",
        group="Adaptation",
        low=0,
        high=0.9,
        step=0.05,
    )
    distillation: float = setting(
        1.0,
        "Weight of the distance of the old classes' logits to what they were.",
        label="Holding on to old logits",
        group="Adaptation",
        low=0,
        high=100,
        step=0.1,
    )

    def __post_init__(self) -> None:
        validate(self)
