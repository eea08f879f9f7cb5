"""A thread hands the values of a run to one tracker, so that a tracker that waits or fails does not hold up the run."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import import_module

from configs.common.secrets import without_secrets
from pretrain.run.trackers.interface import Experiment, Tracker
from pretrain.run.trackers.memory import Memory

# A tracker that does not answer may have this many undelivered calls; further values are left out.
_MOST_WAITING = 1000
# At its end a run waits this long for each tracker.
_LAST_SECONDS = 60.0

Send = Callable[[Tracker, Collection[str]], None]


@dataclass(frozen=True)
class _Call:
    """`send` is called with the tracker and with those of `tags` whose step it does not have yet."""

    step: int
    tags: Collection[str]
    send: Send


@dataclass(frozen=True)
class _End:
    failed: bool


class Delivery:
    """The delivery to the tracker in the file `name`. `problem` is a sentence when something has failed."""

    def __init__(self, name: str, experiment: Experiment):
        self._name, self._experiment = name, experiment
        self.problem: str | None = None
        self._calls: queue.Queue[_Call | _End] = queue.Queue(_MOST_WAITING)
        # A daemon does not keep the process alive while a library waits for its server.
        self._thread = threading.Thread(target=self._run, name=f"tracker {name}", daemon=True)
        self._thread.start()

    def put(self, step: int, tags: Collection[str], send: Send) -> None:
        self._put(_Call(step, tags, send))

    def close(self, *, failed: bool) -> None:
        """Wait until everything is delivered, but not longer than `_LAST_SECONDS`."""
        self._put(_End(failed))
        self._thread.join(_LAST_SECONDS)
        if self._thread.is_alive():
            self.problem = self.problem or f"did not take its last values within {_LAST_SECONDS:.0f} seconds"

    def _put(self, call: _Call | _End) -> None:
        try:
            self._calls.put_nowait(call)
        except queue.Full:
            self.problem = self.problem or "does not keep up, so some values are left out"

    def _run(self) -> None:
        try:
            memory = Memory.read(self._experiment.run, self._name)
            module = import_module(f"pretrain.run.trackers.{self._name}")
            tracker: Tracker | None = module.start(self._experiment, memory)
            memory.save()
        except Exception as error:  # a library may raise anything
            self._failed(error)
            memory, tracker = None, None
        while True:
            call = self._calls.get()
            if tracker and memory:
                try:
                    self._deliver(tracker, memory, call)
                except Exception as error:
                    self._failed(error)
            if isinstance(call, _End):
                return

    def _deliver(self, tracker: Tracker, memory: Memory, call: _Call | _End) -> None:
        if isinstance(call, _End):
            tracker.close(failed=call.failed)
            memory.save()
            return
        new = [tag for tag in call.tags if memory.lacks(call.step, tag)]
        if new:
            call.send(tracker, new)
            memory.last_steps |= dict.fromkeys(new, call.step)
        if self._calls.empty():
            memory.save()

    def _failed(self, error: Exception) -> None:
        lines = without_secrets(str(error)).strip().splitlines()
        self.problem = self.problem or f"failed ({lines[0] if lines else type(error).__name__})"
