"""The stream brings every class once, numbered in its own order, and looks at nothing that is yet to come."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cl_core.config import ConfigError, StreamConfig
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
    assert np.array_equal(tiny_dataset.split("test").images[stream.rows("test", range(4))], seen.images)


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
