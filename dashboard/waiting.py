"""How long a job still takes, and how long one that waits has to wait."""

import time

from dashboard import estimate, progress
from dashboard.job import REGISTRY, Job


def seconds_left(job: Job) -> float | None:
    """Seconds until the whole job is over, None when nobody knows. Of one that waits: all that is expected of it."""
    if job.state == "queued":
        return estimate.corrected(job.expected, job.expected, job.spent) if job.expected else None
    number = job.step.number
    later = estimate.corrected(job.expected[number : job.step.of], job.expected, job.spent)
    expected = job.expected[number - 1] if 0 < number <= len(job.expected) else None
    fraction = progress.fold(job.mailbox.read()).fraction
    left = progress.seconds_left(fraction, time.monotonic() - job.step_started, expected)
    if left is None or later is None:
        return left if job.step.of <= 1 else None
    return left + later


def in_words(job: Job) -> str:
    """“2 runs ahead of yours · about 40 s”, as far as it is known; empty when the job does not wait."""
    ahead = REGISTRY.ahead(job)
    if not ahead:
        return ""
    times = [seconds_left(one) for one in ahead]
    known = "" if None in times else f" · {estimate.in_words(sum(filter(None, times)))}"
    return f"{len(ahead)} run{'s' * (len(ahead) != 1)} ahead of yours{known}"
