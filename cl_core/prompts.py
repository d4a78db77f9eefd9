"""What is said of each class of a stream, for a network that knows classes by prompts (METHOD.md §8)."""

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
