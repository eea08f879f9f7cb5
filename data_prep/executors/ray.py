"""Tasks on Ray: the cluster that RAY_ADDRESS names, or this machine as one. The corpus lies on a shared folder."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

from configs.common.errors import Unfinished, UserError
from data_prep.executors.tasks import Tasks


def run(tasks: Tasks, numbers: list[int], workers: int | None) -> None:
    """Do the tasks, on all cores of the cluster unless told. Raises what a task raised, Unfinished, or UserError.

    A task whose worker or node is lost goes to another one, three times, as is Ray's own habit.
    """
    begun: set[int] = set()
    with _interrupts() as interrupted:
        ray = _connect()
        problem = _do(ray, tasks, numbers, workers, begun, interrupted)
        # Ray ends the workers of a driver that leaves. Where the input is bad, the folder that they write to is removed
        # next. Cancelling a task that finishes at that moment would end the driver (Ray 2.60).
        ray.shutdown()
        tasks.wait_until_idle(begun)
    if interrupted.is_set():
        raise KeyboardInterrupt
    if problem:
        raise problem


def _do(
    ray: Any, tasks: Tasks, numbers: list[int], workers: int | None, begun: set[int], interrupted: Event
) -> BaseException | None:
    """What went wrong, if anything did.

    Not raised: a traceback holds on to Ray's objects, and where they go after Ray, it ends the driver with 1 (2.60).
    """
    on_a_worker, shared, waiting = ray.remote(num_cpus=1)(_run_task), ray.put(tasks), list(reversed(numbers))
    running: list[Any] = []
    try:
        while (waiting or running) and not interrupted.is_set():
            while waiting and len(running) < (workers or len(numbers)):
                begun.add(number := waiting.pop())
                running.append(on_a_worker.remote(shared, number))
            finished, running = ray.wait(running, timeout=0.2)
            ray.get(finished)
    except ray.exceptions.RayTaskError as error:
        return error.cause
    except ray.exceptions.RayError as error:
        return Unfinished(f"{tasks.out}: Ray gave a task up ({type(error).__name__}); the same command goes on")
    return None


@contextmanager
def _interrupts() -> Iterator[Event]:
    """Ctrl-C is noted, and answered between two calls of Ray: in the middle of one it may leave the driver broken."""
    interrupted = Event()
    before = signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def _connect() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError('--engine ray: Ray is not installed; pip install "electra-pretraining[ray]"') from None
    address = os.environ.get("RAY_ADDRESS", "local")
    _check(address)
    try:
        ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # of no narrower class where its processes take too long
        raise Unfinished(f"Ray did not start ({str(error).splitlines()[0]}); the same command tries again") from None
    return ray


def _check(address: str) -> None:
    """Raises UserError where nobody listens; Ray itself tries for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if port.isdigit():
            socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise UserError(f"RAY_ADDRESS: no Ray cluster answers at {address} ({error})") from None


def _run_task(tasks: Tasks, number: int) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # Ray gave the task one core
    tasks.run_task(number)
