"""The stream brings every class once, numbered in its own order, and looks at nothing that is yet to come."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cl_core.config import ConfigError, StreamConfig
from cl_core.datasets import Dataset, Split
from cl_core.stream import TaskStream


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(increment=st.integers(1, 5), seed=st.integers(0, 99), order=st.sampled_from(["natural", "shuffled"]))
def test_every_class_comes_once_under_its_own_name(tiny_dataset, increment, seed, order):
    stream = TaskStream(StreamConfig(increment=increment, class_order=order), seed, tiny_dataset)
    experiences = [stream.experience(t) for t in range(len(stream))]
    assert sum(stream.task_sizes) == 5
    assert all(size == increment for size in stream.task_sizes[:-1])
    assert [c for e in experiences for c in e.classes] == list(range(5))
    for e in experiences:
        assert set(e.train.labels) == set(e.classes)
        names = [tiny_dataset.class_names[original] for original in e.test.images[:, 0, 0, 0]]
        assert names == [stream.class_names[c] for c in e.test.labels]


def test_a_task_takes_the_first_images_of_each_class(tiny_dataset):
    task = TaskStream(StreamConfig(increment=2, train_per_class=4), 0, tiny_dataset).experience(1)
    whole = tiny_dataset.split("train")
    assert np.bincount(task.train.labels).tolist() == [0, 0, 4, 4]
    assert (len(task.validation), len(task.test)) == (4, 6)
    assert np.array_equal(task.train.images[:4], whole.images[whole.labels == 2][:4])


def test_seen_holds_all_the_classes_so_far_and_rows_find_them(tiny_dataset):
    stream = TaskStream(StreamConfig(increment=2, class_order="shuffled"), 3, tiny_dataset)
    seen = stream.seen(1, "test")
    assert np.bincount(seen.labels).tolist() == [3, 3, 3, 3]
    assert np.array_equal(tiny_dataset.split("test").images[stream.rows("test", range(2))], seen.images)


def test_mean_and_deviation_are_those_of_the_first_task(tiny_dataset):
    stream = TaskStream(StreamConfig(increment=2), 0, tiny_dataset)
    pixels = stream.experience(0).train.images / 255
    assert stream.mean == pytest.approx([pixels.mean()], rel=1e-5)
    assert stream.std == pytest.approx([pixels.std()], rel=1e-5)
    assert stream.mean.dtype == stream.std.dtype == np.float32


def test_the_seed_decides_the_shuffled_order(tiny_dataset):
    config = StreamConfig(increment=1, class_order="shuffled")
    orders = [TaskStream(config, seed, tiny_dataset).class_order for seed in (0, 0, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1


def test_more_classes_a_task_than_there_are_is_said_in_a_sentence(tiny_dataset):
    with pytest.raises(ConfigError, match=r"increment.*is 6.*only 5"):
        TaskStream(StreamConfig(increment=6), 0, tiny_dataset)
    with pytest.raises(ConfigError, match=r"first.*is 4.*only 3"):
        TaskStream(StreamConfig(increment=1, first=4, order=(0, 1, 2)), 0, tiny_dataset)


def test_first_task_size_and_number_of_tasks_are_free(tiny_dataset):
    assert TaskStream(StreamConfig(increment=2, first=1), 0, tiny_dataset).task_sizes == (1, 2, 2)
    assert TaskStream(StreamConfig(increment=2, first=4), 0, tiny_dataset).task_sizes == (4, 1)
    assert TaskStream(StreamConfig(increment=1, first=5), 0, tiny_dataset).task_sizes == (5,)
    short = TaskStream(StreamConfig(increment=2, tasks=2), 0, tiny_dataset)
    assert (short.task_sizes, short.class_names) == ((2, 2), ("a", "b", "c", "d"))
    with pytest.raises(ConfigError, match=r"tasks.*is 4.*5 classes of tiny make only 3"):
        TaskStream(StreamConfig(increment=2, tasks=4), 0, tiny_dataset)


@pytest.mark.parametrize("order", [(3, 0, 4), (1,), (4, 3, 2, 1, 0)])
def test_the_listed_classes_come_in_the_listed_order(tiny_dataset, order):
    stream = TaskStream(StreamConfig(increment=1, order=order), 0, tiny_dataset)
    assert stream.class_names == tuple("abcde"[label] for label in order)
    seen = stream.seen(len(stream) - 1, "test")
    assert set(seen.labels) == set(range(len(order)))
    assert np.array_equal(np.array(order)[seen.labels], seen.images[:, 0, 0, 0])
    shuffled = TaskStream(StreamConfig(increment=1, order=order, class_order="shuffled"), 0, tiny_dataset)
    assert sorted(shuffled.class_order) == sorted(order)


@pytest.mark.parametrize("order", [(0, 5), (1, 1)])
def test_classes_that_are_not_there_or_come_twice_are_said_in_a_sentence(tiny_dataset, order):
    with pytest.raises(ConfigError, match=r"order.*tiny has 5 classes, 0 to 4, and each may come once"):
        TaskStream(StreamConfig(order=order), 0, tiny_dataset)


@pytest.fixture
def two_domains():
    """Three classes in two domains, 4 training and 2 further images of each; pixels 0 and 1: class and domain."""

    def read(name: str) -> Split:
        each = {"train": 4, "validation": 2, "test": 2}[name]
        labels, domains = np.repeat(np.tile(np.arange(3), 2), each), np.repeat(np.arange(2), 3 * each)
        images = np.full((len(labels), 1, 4, 4), 9, np.uint8)
        images[:, 0, 0, 0], images[:, 0, 0, 1] = labels, domains
        return Split(images, labels, domains)

    return Dataset("pair", tuple("abc"), "0", "none", read, ("photo", "sketch"))


@pytest.mark.parametrize("class_order", ["natural", "shuffled"])
def test_each_domain_is_a_task_with_all_the_classes(two_domains, class_order):
    config = StreamConfig(scenario="domain-incremental", class_order=class_order, train_per_class=3)
    stream = TaskStream(config, 5, two_domains)
    assert stream.task_sizes == (3, 3)
    assert sorted(stream.domain_names) == ["photo", "sketch"]
    for t in range(2):
        task = stream.experience(t)
        assert task.classes == (0, 1, 2)
        assert np.bincount(task.train.labels).tolist() == [3, 3, 3]
        assert set(task.train.images[:, 0, 0, 1]) == {stream.domain_order[t]}
        assert set(stream.tasks_of(task.test)) == {t}
    assert [stream.classes_before(t) for t in range(3)] == [0, 3, 3]
    seen = stream.seen(1, "test")
    assert stream.tasks_of(seen).tolist() == [0] * 6 + [1] * 6
    assert np.array_equal(np.array(stream.class_order)[seen.labels], seen.images[:, 0, 0, 0])


def test_the_first_images_of_a_class_come_from_its_domains_in_turns(two_domains):
    stream = TaskStream(StreamConfig(scenario="domain-incremental"), 0, two_domains)
    rows, labels = stream.first_rows("train", 1, 3)
    assert labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert two_domains.split("train").domains[rows].tolist() == [0, 1, 0] * 3


def test_one_domain_can_be_enough_but_there_must_be_some(two_domains, tiny_dataset):
    config = StreamConfig(scenario="domain-incremental", tasks=1)
    assert TaskStream(config, 0, two_domains).domain_names == ("photo",)
    with pytest.raises(ConfigError, match=r"tasks.*is 3.*2 domains of pair make only 2"):
        TaskStream(StreamConfig(scenario="domain-incremental", tasks=3), 0, two_domains)
    with pytest.raises(ConfigError, match="tiny has no domains; it needs folder:PATH"):
        TaskStream(config, 0, tiny_dataset)
    mixed = TaskStream(StreamConfig(increment=2), 0, two_domains)
    assert mixed.task_sizes == (2, 1)
    assert len(mixed.experience(0).train) == 2 * 4 * 2
