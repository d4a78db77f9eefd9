"""What is said of each class of a stream, for a network that knows classes by prompts (METHOD.md §8)."""

from collections.abc import Sequence

from cl_core.datasets import emoji
from cl_core.pretraining import captions
from cl_core.stream import TaskStream

TEMPLATES = ("a photo of a {}", "a picture of a {}", "a drawing of a {}", "{}")


def of_stream(stream: TaskStream) -> list[list[str]]:
    """The prompts of every class, in the stream's order: those of the bundled data, else the name in TEMPLATES."""
    name = stream.dataset.name
    if name == "fashion-mnist":
        return captions.prompts_of_clothes(stream.class_order)
    if name == "emoji":
        return captions.prompts_of_groups(stream.class_names)
    if name == "emoji-concepts":
        concepts = {concept.name: concept for concept in emoji.read().concepts}
        return [captions.prompts_of_concept(concepts[name]) for name in stream.class_names]
    return [[template.format(name.replace("_", " ").lower()) for template in TEMPLATES] for name in stream.class_names]


def instead(stream: TaskStream) -> list[list[list[str]]]:
    """What may be said of each class when a CLIP cannot read its name, the better first: of an emoji its keywords, or

    else its group; of other data nothing.
    """
    if stream.dataset.name != "emoji-concepts":
        return [[] for _ in stream.class_names]
    drawings = emoji.read()
    concepts = {concept.name: concept for concept in drawings.concepts}
    found = []
    for concept in (concepts[name] for name in stream.class_names):
        tiers = (concept.keywords, (drawings.groups[concept.group],))
        found.append([[t.format(word) for t in captions.DRAWING_TEMPLATES for word in words] for words in tiers])
    return found


def words_instead(stream: TaskStream, said: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """The words that stand for classes by name, where `said` of them is not what `of_stream` gives."""
    first = captions.DRAWING_TEMPLATES[1]
    return {
        name: [word for word in own if first.format(word) in own]
        for name, own, wanted in zip(stream.class_names, said, of_stream(stream), strict=True)
        if list(own) != wanted
    }
