"""Trees of snapshots, as the dashboard finds them in stores."""

import pytest
from fake_core import TINY, grown, start

from cl_core.config import Config
from cl_core.store import StoreError
from dashboard import library


def test_a_tree_holds_the_branches_of_one_root(lab):
    replay, finetune = grown("pmi", lab, 4), grown("finetune", lab, 2)
    tree = library.find(replay[-1].id)
    assert not tree.is_example
    assert len(tree.nodes) == 1 + 4 + 2  # they share the root
    assert [node.id for node in tree.path(replay[-1].id)] == [node.id for node in replay]
    assert {leaf.id for leaf in tree.leaves()} == {replay[-1].id, finetune[-1].id}
    assert tree.farthest(replay[0].id).id == replay[-1].id
    assert tree.farthest(finetune[1].id).id == finetune[-1].id
    assert tree.leaf_of("finetune").id == finetune[-1].id
    assert tree.leaf_of("joint") is None


def test_what_is_not_in_the_own_store_may_be_in_the_example(lab):
    tree = library.find(library.example().main)
    assert tree.is_example
    assert tree.nodes[library.example().main].tasks_learned == 5


def test_an_unknown_step_is_a_sentence(lab):
    with pytest.raises(StoreError, match="no step “abc”"):
        library.find("abc")


def test_a_damaged_step_hides_only_what_grew_from_it(lab):
    path = grown("pmi", lab, 4)
    (lab.path / "nodes" / f"{path[3].id}.json").write_text("{}")
    tree = library.find(path[2].id)
    assert set(tree.nodes) == {node.id for node in path[:3]}


def test_a_missing_example_is_a_sentence(lab, monkeypatch, tmp_path):
    monkeypatch.setenv("INVERSION_LAB_EXAMPLE", str(tmp_path / "nowhere"))
    with pytest.raises(StoreError, match="build-example"):
        library.example()


def test_experiments_are_listed_newest_first(lab):
    for seed in (0, 1):
        lab.save(start(Config().override(TINY | {"machine": {"seed": seed}})))
    assert sorted(root.config.machine.seed for root in library.experiments()) == [0, 1]
    assert library.title(Config(), 10) == "Fashion-MNIST · 5 tasks of 2 · seed 0"
    uneven = Config().override({"stream": {"first": 4}})
    assert library.title(uneven, 10) == "Fashion-MNIST · 4 tasks of 4, then 2 · seed 0"


def test_features_and_images_are_read_but_no_model(lab):
    leaf = grown("pmi", lab, 2)[-1]
    seen = library.look(lab, leaf.id)
    assert "view/real" in seen.arrays
    assert len(seen.synthetic[0]) > 0
