"""CLIP through open_clip: the chain is the image tower, and whatever cannot be loaded is told in one sentence."""

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from cl_core.backbones import adapters, architectures, clip_weights, small_clip, stem
from cl_core.backbones.clip_chain import ClipChain
from cl_core.config import ConfigError
from cl_core.pretraining import material, training


@pytest.fixture(scope="module")
def words() -> torch.Tensor:
    """The token ids of a few words."""
    return architectures.tokenize(["a drawing of a cat", "dog"]).unique()


@pytest.fixture
def small(tmp_path: Path, words: torch.Tensor) -> Path:
    """A small CLIP that nothing was taught, in a file as training writes it."""
    small_clip.save_small(untaught(words), words, tmp_path / "small.safetensors", {"step": "0"})
    return tmp_path / "small.safetensors"


def untaught(words: torch.Tensor) -> torch.nn.Module:
    """The small architecture with random weights, its BatchNorms folded."""
    model = architectures.construct_compact(len(words), 0, 0.25).eval()
    stem.fold(model)
    return model


@pytest.mark.parametrize(
    ("name", "seed", "layers"),
    [("small-clip", None, 5), ("small-clip", 1, 5), ("ViT-S-32-alt", 1, 13), ("ViT-B-32", 1, 13)],
)
def test_the_chain_is_the_image_tower(name: str, seed: int | None, layers: int):
    """The shipped CLIP, and random weights; the reference is open_clip's own encode_image, normalised by hand."""
    model = clip_weights.build(name, seed=seed)
    chain = ClipChain(model).eval()
    x = torch.rand(1, *chain.input_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        reference = model.model.encode_image((x - model.mean) / model.std, normalize=True)
        torch.testing.assert_close(chain.features(x), reference)
    assert len(chain.layers) == len(chain.layer_names) == layers
    assert [i for stage in chain.stages for i in stage] == list(range(layers))


def test_every_token_of_the_last_layer_gets_a_gradient():
    chain = ClipChain(clip_weights.build("small-clip", seed=0))
    tokens = torch.randn(2, 17, 128, generator=torch.Generator().manual_seed(0), requires_grad=True)
    chain.layers[-1](tokens)[:, 0].sum().backward()
    assert tokens.grad is not None
    assert (tokens.grad.norm(dim=-1) > 0).all()


def test_a_seed_is_all_that_random_weights_depend_on():
    before = torch.get_rng_state()
    one, same, other = (clip_weights.build("small-clip", seed=seed).model.visual.proj for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_head_compares_with_text_prototypes(small: Path):
    model = small_clip.load_small(small)
    chain = ClipChain(model)
    x = torch.rand(3, *chain.input_shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        prototypes = model.prototypes([["a cat"], ["a dog", "dog"]])
        chain.set_prototypes(prototypes, model.scale)
        torch.testing.assert_close(chain(x), model.scale * model.encode_image(x) @ prototypes.T)
    torch.testing.assert_close(prototypes.norm(dim=1), torch.ones(2))


def test_the_rows_that_training_read_are_expanded_and_others_are_refused(small: Path, words: torch.Tensor):
    model = small_clip.load_small(small)
    compact = untaught(words)
    tokens = torch.searchsorted(words, architectures.tokenize(["a cat"]))
    with torch.no_grad():
        expected = torch.nn.functional.normalize(compact.encode_text(tokens), dim=-1)
        torch.testing.assert_close(model.encode_text(["a cat"]), expected, atol=2e-3, rtol=0)  # stored in float16
    assert model.unread_words("a drawing of a zebra") == ["zebra"]
    with pytest.raises(ConfigError, match="has never read “gnu”, “zebra”"):
        model.prototypes([["a cat"], ["a zebra", "a gnu"]])


@pytest.mark.parametrize(
    ("name", "checkpoint", "said"),
    [
        ("ViT-Z-99", "", "There is no CLIP “ViT-Z-99”"),
        ("RN50", "", "not one of open_clip's plain vision transformers"),
        ("ViT-S-32-alt", "", "needs weights"),
        ("ViT-S-32-alt", "absent.safetensors", "“absent.safetensors” is no file on this computer"),
        ("ViT-S-32-alt", "SMALL", "is of another architecture than ViT-S-32-alt"),
        ("ViT-S-32-alt", "JUNK", "cannot be read"),
        ("ViT-S-32-alt", "CODE", "cannot be read"),
    ],
)
def test_what_cannot_be_loaded_is_told_in_a_sentence(
    small: Path, tmp_path: Path, name: str, checkpoint: str, said: str
):
    (tmp_path / "junk.pt").write_bytes(b"no weights")
    torch.save({"weights": Path("anything but a tensor")}, tmp_path / "code.pt")  # a pickled object
    files = {"SMALL": small, "JUNK": tmp_path / "junk.pt", "CODE": tmp_path / "code.pt"}
    with pytest.raises(ConfigError, match=said) as caught:
        clip_weights.build(name, str(files.get(checkpoint, checkpoint)))
    assert "\n" not in str(caught.value)


def test_a_checkpoint_on_this_computer_is_loaded(tmp_path: Path):
    model = clip_weights.build("ViT-S-32-alt", seed=3).model
    half = {key: tensor.half() for key, tensor in model.state_dict().items()}
    torch.save({"state_dict": half}, tmp_path / "weights.pt")
    save_file(half, tmp_path / "weights.safetensors")
    for name in ("weights.pt", "weights.safetensors"):
        loaded = clip_weights.build("ViT-S-32-alt", str(tmp_path / name))
        assert torch.equal(loaded.model.visual.proj, half["visual.proj"].float())


def test_what_would_be_fetched_is_known_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A tag's weights that are not here, by the size of the architecture; not a file, and not what is here already."""
    tag = {"url": "https://example.invalid/vit_s_32-abcdef.pt"}
    monkeypatch.setattr(architectures, "tag_of", lambda _, checkpoint: tag if checkpoint == "some_tag" else {})
    monkeypatch.setenv("HOME", str(tmp_path))
    model = clip_weights.build("ViT-S-32-alt", seed=0).model
    assert clip_weights.to_fetch("ViT-S-32-alt", "some_tag") == sum(4 * p.numel() for p in model.parameters())
    (tmp_path / ".cache" / "clip").mkdir(parents=True)
    (tmp_path / ".cache" / "clip" / "vit_s_32-abcdef.pt").touch()
    assert clip_weights.to_fetch("ViT-S-32-alt", "some_tag") is None
    for checkpoint in ("", "random", "no_tag", __file__):
        assert clip_weights.to_fetch("ViT-S-32-alt", checkpoint) is None
    assert clip_weights.to_fetch("small-clip", "some_tag") is None


def test_nothing_is_fetched_unless_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A tag in the settings of a run, or in somebody's file of steps, is no such wish."""
    fetched: list[dict] = []
    monkeypatch.setattr(architectures, "fetch", fetched.append)
    monkeypatch.setattr(architectures, "file_of", lambda _: None)
    with pytest.raises(ConfigError, match="--fetch openai"):
        clip_weights.build("ViT-B-32", "openai")
    assert fetched == []
    clip_weights.fetch("ViT-B-32", "openai")
    assert len(fetched) == 1


def test_weights_of_something_else_are_not_the_small_clip(tmp_path: Path):
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"no weights")
    for name, said in (("other", "is not one of the small CLIP"), ("junk", "cannot be read"), ("none", "cannot be")):
        with pytest.raises(ConfigError, match=said):
            small_clip.load_small(tmp_path / f"{name}.safetensors")


@pytest.fixture(scope="module")
def taught() -> material.Material:
    """What the shipped CLIP was taught with."""
    return material.load(0)


def test_folding_and_quick_attention_change_nothing(words: torch.Tensor):
    model = architectures.construct_compact(len(words), 0, 0.0)
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    tokens = torch.arange(32).view(2, 16) % len(words)
    model.visual.conv1(x)  # a measurement that is not the identity
    model.eval()
    with torch.no_grad():
        images, texts = model.encode_image(x), model.encode_text(tokens)
        training._attend_in_float32(model)
        torch.testing.assert_close(model.encode_text(tokens), texts)
        stem.fold(model)
        torch.testing.assert_close(model.encode_image(x), images, atol=1e-4, rtol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in model.modules())


def test_pieces_of_training_give_what_one_run_gives(taught: material.Material, tmp_path: Path):
    whole = training.Pretraining(taught, 2, 0)
    losses = [whole.advance() for _ in range(2)]
    first = training.Pretraining(taught, 2, 0)
    first.advance()
    first.save(tmp_path / "piece.safetensors")
    second = training.Pretraining(taught, 2, 0)
    second.resume(tmp_path / "piece.safetensors")
    assert second.step == 1
    assert second.advance() == losses[1]
    assert second.done
    assert all(math.isfinite(loss) for step in losses for loss in step.values())
    with pytest.raises(ConfigError, match="seed 0"):
        training.Pretraining(taught, 2, 1).resume(tmp_path / "piece.safetensors")


def test_pictures_enter_the_tower_in_training_as_they_do_later(taught: material.Material, tmp_path: Path):
    """In training, when the norms are measured, and when the stored weights are used: from −1 to 1."""
    entered: list[torch.Tensor] = []

    def watch(module: torch.nn.Module, inputs: tuple) -> None:
        if isinstance(module, torch.nn.Conv2d) and module.in_channels == 3:
            entered.append(inputs[0])

    handle = torch.nn.modules.module.register_module_forward_pre_hook(watch)
    try:
        step = training.Pretraining(taught, 1, 0)
        step.advance()
        step.export(tmp_path / "small.safetensors")
        draws = training.generator(0, "step", 0)
        pictures = training.change(training.draw(taught, draws).images, draws)
        with torch.no_grad():
            small_clip.load_small(tmp_path / "small.safetensors").encode_image(pictures)
    finally:
        handle.remove()
    torch.testing.assert_close(entered[0], entered[-1])
    assert len(entered) == 2 + training.NORM_BATCHES
    assert all(x.min() < -0.9 and x.max() == 1 for x in entered)


def test_nothing_withheld_is_taught(taught: material.Material):
    from cl_core import datasets
    from cl_core.datasets import emoji
    from cl_core.pretraining.captions import CLOTHES_WITHHELD
    from cl_core.pretraining.ground import on_white

    drawings, clothes = emoji.read(), datasets.load("fashion-mnist").split("train")
    shown = {image.tobytes() for image in taught.images.numpy()}
    learned = {image.tobytes() for image in drawings.images[~drawings.withheld]}
    withheld = {image.tobytes() for image in drawings.images[drawings.withheld]} - learned  # not the look-alikes
    assert not shown & withheld
    worn = on_white(clothes.images[[label in CLOTHES_WITHHELD for label in clothes.labels]])
    assert len(worn) == 4000
    assert not shown & {image.tobytes() for image in worn}


@pytest.mark.parametrize("name", ["small-clip", "ViT-S-32-alt"])
def test_adapters_start_as_the_identity_and_are_all_that_learns(name: str):
    model = clip_weights.build(name, seed=0)
    x = torch.rand(2, *ClipChain(model).input_shape, generator=torch.Generator().manual_seed(0))
    tokens = model.tokenizer(["a cat"])
    with torch.no_grad():
        images, texts = model.encode_image(x), model.model.encode_text(tokens)
        added = adapters.add_adapters(model, 8, torch.Generator().manual_seed(0))
        chain = ClipChain(model)
        torch.testing.assert_close(chain.features(x), images, atol=0, rtol=0)
        torch.testing.assert_close(model.model.encode_text(tokens), texts, atol=0, rtol=0)
        added[0].up.weight.fill_(0.1)
        assert not torch.equal(chain.features(x), images)  # the chain is the adapted tower
    learns = {n for n, p in model.named_parameters() if p.requires_grad}
    assert learns == set(adapters.adapter_state(model))
    assert len(learns) == 4 * len(added)
