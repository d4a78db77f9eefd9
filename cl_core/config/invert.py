"""The settings of the verb invert."""

from dataclasses import dataclass

from cl_core.config.settings import setting, validate


@dataclass(frozen=True)
class InvertConfig:
    """How images are made from class Gaussians (METHOD.md §4–5)."""

    iterations_per_layer: int = setting(
        50,
        "Steps of inversion at each layer. 0 leaves the start as it is.",
        label="Iterations a layer",
        group="How long",
        low=0,
        high=1000,
        step=5,
        front=True,
    )
    layer_iterations: tuple[int, ...] = setting(
        (),
        "A number for each layer, first layer first; empty: the same for all.",
        label="Iterations, layer by layer",
        group="How long",
        low=0,
        high=1000,
    )
    full_iterations: int = setting(
        160,
        "Steps of refinement through the whole network.",
        label="Full-model iterations",
        group="How long",
        low=0,
        high=5000,
        step=10,
        front=True,
    )
    images_per_class: int = setting(
        300,
        "Synthetic images of each old class.",
        label="Images a class",
        group="How long",
        low=1,
        high=2000,
        step=10,
        front=True,
    )
    synthetic: str = setting(
        "regenerate",
        "regenerate: after each task, new images of all the classes seen (the paper); keep: images of the classes just "
        "learned are made once, and kept.",
        label="Synthetic images",
        group="What is kept",
        options=("keep", "regenerate"),
    )
    start: str = setting(
        "gaussian",
        "What a layer's input starts from: gaussian, drawn from its stored statistics (the paper); residual, the "
        "target itself where a block keeps its shape, which its shortcut makes nearly right.",
        label="Start of a layer",
        group="How close",
        options=("gaussian", "residual"),
    )
    layer_lr: float = setting(
        0.8, "Step size of Adam at a layer.", label="Step size at a layer", group="How fast", low=1e-4, high=10.0
    )
    full_lr: float = setting(
        0.4,
        "Step size of Adam in the refinement.",
        label="Step size, refinement",
        group="How fast",
        low=1e-4,
        high=10.0,
    )
    full_schedule: str = setting(
        "steps",
        "steps: 5 steps of warm-up, halved at one half and three quarters (the paper); cosine: smoothly to 0.",
        label="Step size schedule, refinement",
        group="How fast",
        options=("steps", "cosine"),
    )
    beta2: float = setting(
        0.999,
        "Adam's memory of squared gradients. 0.999 is the paper's (the usual); 0.9 to 0.99 is quicker in short runs.",
        label="Adam's β₂",
        group="How fast",
        low=0.5,
        high=0.9999,
    )
    alpha: float = setting(
        0.25,
        "Weight of the normalisation statistics against the target feature, in the refinement.",
        label="Weight of the statistics (α)",
        group="How close",
        low=0.0,
        high=1000.0,
    )
    layer_alpha: float = setting(
        20.0,
        "At a layer, α is multiplied by this and by the number of layers.",
        label="Weight of the statistics at a layer, × α × layers",
        group="How close",
        low=0.0,
        high=1000.0,
    )
    input_alpha: float = setting(
        0.0,
        "Weight of the kept statistics of all the layers' inputs, the image included, in the refinement (the paper "
        "uses them at the layers only).",
        label="Weight of the input statistics, refinement",
        group="How close",
        low=0.0,
        high=1000.0,
    )
    norm_targets: str = setting(
        "running",
        "What normalisation layers should see: their own running statistics (the paper), or those measured on clean "
        "images of the task once it is learned.",
        label="Normalisation statistics",
        group="How close",
        options=("running", "measured"),
    )
    distance: str = setting(
        "mse",
        "How far a feature is from its target: mse (the paper), or mahalanobis, in units of the class's own spread.",
        label="Distance to the target",
        group="How close",
        options=("mse", "mahalanobis"),
    )
    label_weight: float = setting(
        0.0,
        "Weight of the class label (cross-entropy of the head) in the refinement.",
        label="Weight of the label",
        group="How close",
        low=0.0,
        high=100.0,
    )
    tv: float = setting(
        0.0,
        "Total variation: how strongly neighbouring pixels are asked to agree. Try 0.3 to 2.",
        label="Smoothness (TV)",
        group="How smooth",
        low=0.0,
        high=100.0,
        step=0.1,
    )
    pixels: str = setting(
        "plain",
        "plain: each pixel is free (the paper); coarse-to-fine: a sum of three scales, the finer ones opening later.",
        label="Pixels",
        group="How smooth",
        options=("plain", "coarse-to-fine"),
    )
    target_spread: float = setting(
        1.0,
        "Spread of the target features about their class mean: 1 is the class's own; less is safer and less varied, "
        "and shrinks the synthetic ellipses.",
        label="Spread of the targets",
        group="How diverse",
        low=0.0,
        high=2.0,
        step=0.1,
    )

    def __post_init__(self) -> None:
        validate(self)
