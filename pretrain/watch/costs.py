"""Rules about the time that a run takes. The page docs/health.md says where each threshold comes from."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from pretrain.watch.record import Judgement, Record

# A loader that keeps up lets the step wait for 1 % of the time, and on a busy machine for 2 %.
_HIGHEST_WAIT = 0.1
# The speed of an undisturbed run of 6,000 steps varied between .7 and 1.2 of its median.
_LOWEST_SPEED = 0.5
_LINES_OF_SPEED = 5  # the first lines of a start are slower, and a median of five does not notice one of them


def waiting(run: Record) -> Iterator[Judgement]:
    shares = run.since_start("data_wait_share")
    for end in range(_LINES_OF_SPEED, len(shares) + 1):
        share = statistics.median(value for _, value in shares[end - _LINES_OF_SPEED : end])
        sentence = f"training waits for data in {share:.0%} of its time"
        yield shares[end - 1][0], sentence if share > _HIGHEST_WAIT else None


def slower(run: Record) -> Iterator[Judgement]:
    speeds = run.since_start("tokens_per_second")
    values = [value for _, value in speeds]
    for end in range(2 * _LINES_OF_SPEED, len(speeds) + 1):
        now, usual = statistics.median(values[end - _LINES_OF_SPEED : end]), statistics.median(values[:end])
        sentence = f"training makes {now:,.0f} tokens/s, and {usual:,.0f} is the median since step {run.newest_start:,}"
        yield speeds[end - 1][0], sentence if now < _LOWEST_SPEED * usual else None
