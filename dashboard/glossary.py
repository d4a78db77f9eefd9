"""The terms of the field: one sentence each, a formula where METHOD.md §9 has one, and where they occur in a text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """name: as it is listed; says: one sentence; formula: in LaTeX, or empty; also: other spellings in a text."""

    name: str
    says: str
    formula: str = ""
    also: tuple[str, ...] = ()


TERMS = (
    Term(
        "accuracy matrix",
        "A row for each moment, a column for each task: how well task j is known after learning task i.",
        r"R_{i,j},\quad i \ge j",
    ),
    Term(
        "activation",
        "What a layer of the network gives for an image: a stack of small maps, one for each channel.",
        also=("activations",),
    ),
    Term(
        "adapter",
        "A few numbers put into each block of a frozen network: all that learning changes there.",
        also=("adapters",),
    ),
    Term(
        "average incremental accuracy",
        "The mean, over all moments, of the accuracy over the classes seen by then.",
        r"\frac{1}{T}\sum_{i=1}^{T} A_i",
    ),
    Term(
        "backward transfer",
        "How much the earlier tasks gained, or mostly lost, since each was new.",
        r"\frac{1}{T-1}\sum_{j<T} \left(R_{T,j} - R_{j,j}\right)",
    ),
    Term(
        "catastrophic forgetting",
        "What a network does that learns a new task without looking back: it overwrites the old ones within an epoch.",
    ),
    Term(
        "CFS",
        "Contrastive feature selection: of many drawn target features keep a subset whose members differ.",
        also=("contrastive feature selection",),
    ),
    Term(
        "channel statistics",
        "A mean and a variance for each channel of each layer's input; positions and classes are averaged away.",
    ),
    Term(
        "class-incremental",
        "Each task brings new classes, and an image may be of any class seen so far; nobody says of which task it is.",
    ),
    Term(
        "CLIP",
        "Two networks that put a picture and the words that go with it in the same place: the nearest words name it.",
    ),
    Term(
        "coverage",
        "The share of real points that have a synthetic one among their nearest neighbours' reach.",
    ),
    Term("data-free", "Without any image of an earlier task: only the network and statistics may be kept."),
    Term(
        "decoder",
        "Here: a ridge regression from a layer's output back to its input, fitted on images of the current task.",
    ),
    Term(
        "distillation",
        "Training a network to answer as another one, its teacher, does.",
        also=("hard distillation", "relational distillation"),
    ),
    Term("domain-incremental", "Every task has all the classes, but in another domain: photos, then sketches."),
    Term(
        "drift",
        "Features of the same image move while the network learns, so that what was kept of old classes grows stale.",
    ),
    Term("exemplar-free", "No example image of an earlier task is kept; another word for data-free."),
    Term("experience", "One element of a task stream; this program says task."),
    Term(
        "finetune",
        "To go on training on the new task's images alone; the control that forgets.",
        also=("finetuning",),
    ),
    Term(
        "forgetting",
        "How far the accuracy on a task lies below the best it ever was, as a mean over the earlier tasks.",
        r"\frac{1}{T-1}\sum_{j<T}\left(\max_{j \le i < T} R_{i,j} - R_{T,j}\right)",
    ),
    Term(
        "Fréchet distance",
        "How far apart two Gaussians are, in their means and their spreads; 0 when they are the same.",
        r"\lVert\mu_1-\mu_2\rVert^2 + \operatorname{tr}\left(\Sigma_1+\Sigma_2-2(\Sigma_1\Sigma_2)^{1/2}\right)",
    ),
    Term(
        "Gaussian",
        "A cloud given by its mean and its spread alone; one of each class's features is kept.",
        also=("Gaussians", "class Gaussian", "class Gaussians"),
    ),
    Term(
        "head",
        "The last, linear part of the network: from a feature to one number, a logit, for each class.",
    ),
    Term("joint training", "Training afresh on all the images ever seen: not continual, the upper reference."),
    Term(
        "LDA",
        "Linear discriminant analysis: each class is a Gaussian, all with one spread; an image gets the likeliest.",
        also=("linear discriminant analysis",),
    ),
    Term("logit", "What the head gives for a class; the largest one names the class.", also=("logits",)),
    Term(
        "Mahalanobis",
        "Distance in units of a cloud's own spread: far where the cloud is narrow, near where it is wide.",
        r"\sqrt{(z-\mu)^\top \Sigma^{-1} (z-\mu)}",
        also=("Mahalanobis distance",),
    ),
    Term(
        "model inversion",
        "To change an image, not the weights, until the frozen network sees in it what one wants.",
        also=("inversion", "inverted", "inverts"),
    ),
    Term(
        "penultimate feature",
        "What the network makes of an image just before the head: the vector in which classes become separable.",
        also=("penultimate features",),
    ),
    Term("prompt", "A sentence that names a class for CLIP, such as “a drawing of a cat”.", also=("prompts",)),
    Term("prototype", "The mean feature of a class.", also=("prototypes",)),
    Term(
        "refinement",
        "The last part of an inversion: steps through the whole network at once, as in ordinary inversion.",
    ),
    Term(
        "replay",
        "To mix images of old classes, kept or made, into the learning of a new task.",
        also=("replays", "replayed"),
    ),
    Term(
        "target feature",
        "A feature drawn from a class's Gaussian, for which inversion is to find an image.",
        also=("target features", "targets"),
    ),
    Term("task stream", "The tasks in the order in which they arrive; the network sees each once.", also=("stream",)),
    Term("task-incremental", "It is told of which task an image is, so that only that task's classes compete."),
    Term("teacher", "The network as it was before the new task, frozen; the new one is held to its answers."),
    Term(
        "total variation",
        "How much neighbouring pixels differ, summed over the image; asking for less makes it smoother.",
    ),
    Term("zero-shot", "Named by its words alone, before anything was learned of it here."),
)

_SPELLINGS = {spelling.lower(): term for term in TERMS for spelling in (term.name, *term.also)}
_ANY = re.compile(
    r"(?<![\w-])(" + "|".join(sorted(map(re.escape, _SPELLINGS), key=len, reverse=True)) + r")(?![\w-])", re.IGNORECASE
)


def parts(text: str) -> Iterator[tuple[str, Term | None]]:
    """The text in pieces: (piece, the term that it is or None). Only the first occurrence of a term counts."""
    told: set[str] = set()
    end = 0
    for found in _ANY.finditer(text):
        term = _SPELLINGS[found.group().lower()]
        if term.name not in told:
            told.add(term.name)
            yield text[end : found.start()], None
            yield found.group(), term
            end = found.end()
    yield text[end:], None
