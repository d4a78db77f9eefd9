"""The settings of the verb learn."""

from dataclasses import dataclass

from cl_core.config.settings import setting, validate


@dataclass(frozen=True)
class LearnConfig:
    """How a task is learned and what is kept of it (METHOD.md §7)."""

    strategy: str = setting(
        "pmi-cfs",
        "How old tasks are held on to: by replaying inverted images, by a rival's means, or not at all.",
        label="Strategy",
        group="How hard to hold on",
    )
    epochs_first: int = setting(
        200, "Passes over the first task.", label="Epochs, first task", group="How long", low=1, high=400, step=1
    )
    epochs: int = setting(
        120,
        "Passes over each later task, whole network.",
        label="Epochs",
        group="How long",
        low=0,
        high=400,
        step=1,
        front=True,
    )
    head_epochs: int = setting(
        20,
        "Before that: passes that train the new part of the head alone.",
        label="Epochs, head first",
        group="How long",
        low=0,
        high=100,
        step=1,
    )
    stage_epochs: int = setting(
        20,
        "Then: passes that train the last stage and the head.",
        label="Epochs, last stage",
        group="How long",
        low=0,
        high=100,
        step=1,
    )
    balance_epochs: int = setting(
        40,
        "At the end: passes that train the head alone, classes weighted by inverse frequency.",
        label="Epochs, balancing the head",
        group="How long",
        low=0,
        high=100,
        step=1,
    )
    optimiser: str = setting(
        "sgd",
        "sgd: with momentum (the paper, for a ResNet); adamw: Adam with decoupled weight decay (the paper, for CLIP).",
        label="Optimiser of learning",
        group="How fast",
        options=("sgd", "adamw"),
    )
    lr_first: float = setting(
        0.1, "Step size on the first task.", label="Step size, first task", group="How fast", low=1e-5, high=10.0
    )
    lr: float = setting(0.01, "Step size on later tasks.", label="Step size", group="How fast", low=1e-5, high=10.0)
    schedule: str = setting(
        "steps",
        "steps: a tenth of the step size at one half and five sixths of the way (the paper); cosine: smoothly to 0.",
        label="Step size schedule",
        group="How fast",
        options=("steps", "cosine"),
    )
    batch_size: int = setting(
        128,
        "Real images a step; as many synthetic ones join them.",
        label="Batch size",
        group="How fast",
        low=2,
        high=4096,
        step=16,
    )
    weight_decay: float = setting(
        5e-4, "Pull of the weights toward zero.", label="Weight decay", group="How fast", low=0.0, high=0.1
    )
    shift: int = setting(
        4,
        "Training images are shifted at random by up to this many pixels.",
        label="Random shift, pixels",
        group="How varied",
        low=0,
        high=8,
        step=1,
    )
    noise: float = setting(
        0.0,
        "Each training image gets Gaussian noise of a random strength up to this (in standard deviations of the data). "
        "A network that ignores noise inverts to cleaner images; try 0.7.",
        label="Noise on training images",
        group="How varied",
        low=0.0,
        high=2.0,
        step=0.1,
    )
    label_smoothing: float = setting(
        0.0,
        "Share of a label that is spread over all the classes, in every cross-entropy: less certain answers.",
        label="Label smoothing",
        group="How varied",
        low=0.0,
        high=0.9,
        step=0.05,
    )
    local_ce: float = setting(
        0.75,
        "Weight of learning the new classes among themselves (local cross-entropy).",
        label="Local cross-entropy",
        group="How hard to hold on",
        low=0.0,
        high=100.0,
    )
    hard_kd: float = setting(
        0.15,
        "Weight of keeping the old logits on synthetic images (hard distillation). The most important dial against "
        "forgetting; try 1 to 4.",
        label="Hard distillation",
        group="How hard to hold on",
        low=0.0,
        high=100.0,
        step=0.05,
        front=True,
    )
    feature_kd: float = setting(
        0.0,
        "Weight of keeping the features of synthetic images (not in the paper).",
        label="Feature distillation",
        group="How hard to hold on",
        low=0.0,
        high=100.0,
    )
    text_kd: float = setting(
        0.0,
        "Weight of keeping the text features of the old classes' prompts; with the backbone CLIP only.",
        label="Text distillation",
        group="How hard to hold on",
        low=0.0,
        high=100.0,
    )
    relational_kd: float = setting(
        0.5,
        "Weight of keeping the angles between features of real images (relational distillation).",
        label="Relational distillation",
        group="How hard to hold on",
        low=0.0,
        high=100.0,
    )
    balance: float = setting(
        1.5,
        "Weight of training the head on all the classes at once (classifier balance).",
        label="Classifier balance",
        group="How hard to hold on",
        low=0.0,
        high=100.0,
    )
    readout: float = setting(
        0.0,
        "Weight of an auxiliary linear read-out of the image from the features while learning (not in the paper): it "
        "makes the features remember what things look like. It is thrown away afterwards.",
        label="Auxiliary read-out",
        group="How close",
        low=0.0,
        high=100.0,
    )
    statistics: str = setting(
        "channel",
        "channel: a mean and a variance for each channel of each layer, which reveal little; class-position: for "
        "each class and each position, which amounts to keeping an average image of each class.",
        label="Statistics kept",
        group="What is kept",
        options=("channel", "class-position"),
        front=True,
    )
    class_model: str = setting(
        "diagonal",
        "What is kept of each class's features. diagonal: a standard deviation for each dimension (the paper); full: "
        "their covariance, which can weigh more than the images it replaces; low-rank: the covariance along a few "
        "principal directions, and the rest by dimension; mixture: several such centres a class.",
        label="Class model",
        group="What is kept",
        options=("diagonal", "full", "low-rank", "mixture"),
    )
    class_rank: int = setting(
        32,
        "Principal directions that a low-rank class model or a mixture keeps; each costs two bytes a dimension.",
        label="Directions a class",
        group="What is kept",
        low=1,
        high=512,
        step=1,
    )
    class_components: int = setting(
        3,
        "Centres that a mixture has for each class; they share one covariance.",
        label="Centres a class",
        group="What is kept",
        low=1,
        high=20,
        step=1,
    )
    shrinkage: str = setting(
        "fixed",
        "How far correlations are pulled toward none, which keeps a covariance of few images invertible. fixed: by "
        "2 %; ledoit-wolf and oas: by scikit-learn's estimate for each class. A diagonal class model has none.",
        label="Shrinkage of covariances",
        group="What is kept",
        options=("fixed", "ledoit-wolf", "oas"),
    )
    drift: str = setting(
        "re-estimate",
        "How old class Gaussians follow the moving features: re-estimated on synthetic images (the paper), or mapped "
        "by an affine fit from old to new features.",
        label="Drift of old Gaussians",
        group="What is kept",
        options=("re-estimate", "affine"),
    )
    head: str = setting(
        "linear",
        "What names the classes. linear: the head as trained (the paper); refit: that head refitted on draws of the "
        "class Gaussians; nearest-mean and lda: read off the Gaussians directly.",
        label="Head",
        group="How close",
        options=("linear", "refit", "nearest-mean", "lda"),
    )
    memory_per_class: int = setting(
        20,
        "Real images kept of each old class; for the reference “Replay of real images” only.",
        label="Real images kept a class",
        group="What is kept",
        low=1,
        high=10000,
        step=5,
    )

    def __post_init__(self) -> None:
        validate(self)
