"""What is said about the pictures of the small CLIP's training, and which words of it were withheld.

Fashion-MNIST's withheld classes are never named by a picture of theirs; their words occur in the captions of emoji
(a dress, a coat, a sandal, a handbag), which is what makes recognising them zero-shot.
"""

from collections.abc import Sequence

import numpy as np

from cl_core.datasets.emoji import Concept

CAPTIONS = 16  # of a concept
# What each class of Fashion-MNIST is called, best first, in the order of its labels.
CLOTHES: tuple[tuple[str, ...], ...] = (
    ("t-shirt", "top", "tshirt", "tee"),
    ("trousers", "pants", "jeans"),
    ("pullover", "sweater", "jumper"),
    ("dress", "gown"),
    ("coat", "jacket"),
    ("sandal", "heel"),
    ("shirt", "blouse", "button shirt"),
    ("sneaker", "running shoe", "trainer"),
    ("bag", "handbag", "purse"),
    ("ankle boot", "boot", "boots"),
)
# Coat, sandal, shirt, bag. The six that remain can be told apart (by pixels, an SVM names .95 of them rightly; with the
# shirt among them and the dress withheld it is .88), so that a bar for them measures CLIP and not the pictures.
CLOTHES_WITHHELD = (4, 5, 6, 8)
CLOTHES_GROUP = "clothing"
CLOTHES_TEMPLATES = ("a photo of a {}", "a grey photo of a {}", "a {}", "{}", "clothing: {}", "a picture of a {}")
DRAWING_TEMPLATES = ("{}", "a drawing of {}", "an emoji of {}", "a picture of {}")
GROUP_TEMPLATES = ("{}", "a drawing of a {}", "a picture of a {}", "an emoji of a {}")


def of_concept(concept: Concept, generator: np.random.Generator) -> list[str]:
    """CAPTIONS captions: the name in every template, then names with keywords, and keywords alone."""
    captions = [template.format(concept.name) for template in DRAWING_TEMPLATES]
    words = [word for word in concept.keywords if word not in concept.name] or [concept.name]
    while len(captions) < CAPTIONS:
        chosen = generator.permutation(words)[: generator.integers(1, 4)]
        said = ", ".join(chosen)
        template = DRAWING_TEMPLATES[generator.integers(len(DRAWING_TEMPLATES))]
        captions.append(f"{concept.name}: {said}" if generator.random() < 0.3 else template.format(said))
    return captions


def of_clothes(label: int) -> list[str]:
    """CAPTIONS captions of a class of Fashion-MNIST."""
    names = CLOTHES[label]
    said = [template.format(name) for name in names for template in CLOTHES_TEMPLATES]
    return [said[i % len(said)] for i in range(CAPTIONS)]


def prompts_of_clothes(labels: Sequence[int]) -> list[list[str]]:
    """The prompts that classify Fashion-MNIST: each class's first name in every template."""
    return [[template.format(CLOTHES[label][0]) for template in CLOTHES_TEMPLATES] for label in labels]


def prompts_of_groups(groups: Sequence[str]) -> list[list[str]]:
    """The prompts that classify emoji by group."""
    return [[template.format(group) for template in GROUP_TEMPLATES] for group in groups]


def prompts_of_concept(concept: Concept) -> list[str]:
    """The prompts that name one concept."""
    return [template.format(concept.name) for template in DRAWING_TEMPLATES]
