"""The lessons: one small file each, in the order of the course."""

from dashboard.lessons import clip, diversity, drift, duration, forgetting, gaussians, layers, leaks, replay
from dashboard.lessons.lesson import Arm, Lesson, Measure, Verdict

LESSONS: tuple[Lesson, ...] = tuple(
    part.LESSON for part in (forgetting, replay, layers, duration, gaussians, drift, leaks, diversity, clip)
)

__all__ = ["LESSONS", "Arm", "Lesson", "Measure", "Verdict"]
