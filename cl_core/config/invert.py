"""The settings of the verb invert."""

from dataclasses import dataclass

from cl_core.config.settings import ConfigError, setting, validate

PIXELS, PATCH_EMBEDDING = "pixels", "patch-embedding"  # where an inversion may stop


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
        "A number for each group of layers, first layer first; empty: the same for all.",
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
    batch: int = setting(
        4000,
        "At most so many images are made at the same time, which bounds the memory that it takes. Each batch has "
        "images of all the classes, and is held to the statistics on its own.",
        label="Images in a batch",
        group="How long",
        low=1,
        high=100_000,
        step=100,
    )
    source: str = setting(
        "optimisation",
        "optimisation: each image is optimised on its own, layer by layer or through the whole network; generator: a "
        "conditional generator is trained on the network, for as many steps as there are full-model iterations, and "
        "makes all the images from noise and a class.",
        label="Where images come from",
        group="How close",
        options=("optimisation", "generator"),
    )
    groups: str = setting(
        "layers",
        "Which consecutive layers are inverted together: each on its own (the paper), the stages, two halves, or the "
        "whole chain at once.",
        label="Groups of layers",
        group="How close",
        options=("layers", "stages", "halves", "whole"),
    )
    stop: str = setting(
        PIXELS,
        "Where the inversion of a CLIP ends. pixels: at images; patch-embedding: at what its patch embedding makes of "
        "images, as the authors do. These hidden inputs are replayed then, right into the first block; smoothness, "
        "jitter, crop, flip and pixels have no say in them, and pictures are decoded from them for looking at.",
        label="Where it stops",
        group="How close",
        options=(PIXELS, PATCH_EMBEDDING),
        later=True,
    )
    start: str = setting(
        "gaussian",
        "What a layer's input starts from. gaussian: drawn from its stored statistics (the paper); soft: their mean, "
        "with weak noise of large forms; residual: the target itself where a block keeps its shape, which its shortcut "
        "makes nearly right; decoder: ridge regression of input from output, fitted on images of the current task; "
        "residual or decoder: residual where a block keeps its shape, decoder where not.",
        label="Start of a layer",
        group="How close",
        options=("gaussian", "soft", "residual", "decoder", "residual or decoder"),
    )
    optimiser: str = setting(
        "adam",
        "adam (the paper), or lbfgs with a memory for each image, which needs no step size.",
        label="Optimiser",
        group="How fast",
        options=("adam", "lbfgs"),
    )
    layer_lr: float = setting(
        0.8, "Step size of Adam at a layer.", label="Step size at a layer", group="How fast", low=1e-4, high=10.0
    )
    layer_units: str = setting(
        "absolute",
        "What a step at a layer is measured in. absolute: as activations come (the paper); deviation: in standard "
        "deviations that are kept of them, which a transformer needs, where they differ a lot.",
        label="Units of a step at a layer",
        group="How fast",
        options=("absolute", "deviation"),
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
        "How far a feature is from its target: mse (the paper), cosine (1 − cosine, for the features of CLIP), or "
        "mahalanobis, in units of the class's own spread.",
        label="Distance to the target",
        group="How close",
        options=("mse", "cosine", "mahalanobis"),
    )
    feature_weight: float = setting(
        1.0,
        "Weight of the target feature in the refinement. 0 with a label weight of 1 inverts from the label alone.",
        label="Weight of the feature",
        group="How close",
        low=0.0,
        high=10000.0,
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
    jitter: int = setting(
        0,
        "The image is rolled at random by up to this many pixels each time before the network looks at it, wherever "
        "its feature is what is aimed at: in the refinement, and in a single group of all the layers. With Adam only; "
        "not in the paper.",
        label="Jitter, pixels",
        group="How smooth",
        low=0,
        high=16,
        step=1,
    )
    crop: float = setting(
        0.0,
        "In the refinement the network looks at a random part of the image each time, with up to this share of its "
        "sides cut off; 0.1 to 0.25 is usual for CLIP. With Adam only.",
        label="Random crop, share of the side",
        group="How smooth",
        low=0.0,
        high=0.5,
        step=0.05,
    )
    flip: bool = setting(
        False,
        "In the refinement the network looks at the mirror image every other time. With Adam only.",
        label="Random flip",
        group="How smooth",
    )
    pixels: str = setting(
        "plain",
        "plain: each pixel is free (the paper); coarse-to-fine: a sum of three scales, the finer ones opening later; "
        "dct: whitened frequencies, large forms first.",
        label="Pixels",
        group="How smooth",
        options=("plain", "coarse-to-fine", "dct"),
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
    selection: str = setting(
        "cfs",
        "How target features are chosen. cfs: contrastive feature selection, a diverse subset of many draws (the "
        "paper); random: plain draws of the class Gaussian.",
        label="Choice of targets",
        group="How diverse",
        options=("cfs", "random"),
    )
    cfs_steps: int = setting(
        40,
        "In how many steps the targets of a class are chosen.",
        label="Selection steps",
        group="How diverse",
        low=1,
        high=400,
        step=1,
    )
    cfs_ratio: float = setting(
        0.5,
        "Share of the candidates of a step that is kept: less is choosier.",
        label="Share kept",
        group="How diverse",
        low=0.02,
        high=1.0,
        step=0.05,
    )
    cfs_tau: float = setting(
        1.0,
        "Temperature of the contrastive models.",
        label="Temperature of selection (τ)",
        group="How diverse",
        low=0.01,
        high=10.0,
    )
    cfs_epochs: int = setting(
        200,
        "Training of the contrastive models: passes over a class's features.",
        label="Epochs of the contrastive models",
        group="How diverse",
        low=0,
        high=1000,
        step=10,
    )
    cfs_lr: float = setting(
        0.01,
        "Step size of Adam for the contrastive models.",
        label="Step size, contrastive models",
        group="How diverse",
        low=1e-5,
        high=1.0,
    )
    cfs_batch: int = setting(
        64,
        "Features of a class in each of those steps.",
        label="Batch, contrastive models",
        group="How diverse",
        low=2,
        high=4096,
        step=16,
    )
    cfs_pooled: bool = setting(
        False,
        "The contrastive models look at features averaged over the feature grid: at a grid of 3 a ninth of the size, "
        "and some eighty times quicker.",
        label="Contrastive models on pooled features",
        group="How diverse",
    )

    @property
    def first_layer(self) -> int:
        """The first layer of the chain that is inverted, 0 that of the pixels."""
        return 0 if self.stop == PIXELS else 1

    def __post_init__(self) -> None:
        validate(self)
        if self.source == "generator" and self.optimiser != "adam":
            raise ConfigError("A generator learns with Adam: choose that optimiser, or images by optimisation.")
        if self.source == "generator" and self.stop != PIXELS:
            raise ConfigError("A generator makes images: let it stop at pixels, or choose images by optimisation.")
        if self.optimiser == "lbfgs" and self.pixels == "coarse-to-fine":
            raise ConfigError("L-BFGS cannot follow pixels that open on the way: choose plain or dct pixels, or Adam.")
        # it compares values of the objective from step to step
        if self.optimiser == "lbfgs" and (self.jitter or self.crop or self.flip):
            raise ConfigError("L-BFGS cannot follow an image that jitters: choose no jitter, crop or flip, or Adam.")
