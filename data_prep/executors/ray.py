"""Runs tasks on Ray: on the cluster that RAY_ADDRESS names, or on this machine as a cluster of one node.

On a cluster, the folder of the corpus must be on a shared file system.
"""

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
    """Run up to `workers` tasks at a time, by default as many as the cluster has cores.

    A task whose worker or node is lost is started on another up to three times, which is Ray's default. Raises the
    error that a task raised, Unfinished when Ray fails, or UserError when Ray is not installed or does not answer.
    """
    begun: set[int] = set()
    with _interrupts() as interrupted:
        ray = _connect()
        problem = _do(ray, tasks, numbers, workers, begun, interrupted)
        # `shutdown` ends the workers of this driver. They must have ended, because the caller removes the folder to
        # which they write when the input is bad. We do not cancel the tasks instead: cancelling a task that finishes at
        # the same moment ends the driver (Ray 2.60).
        ray.shutdown()
        tasks.wait_until_idle(begun)
    if interrupted.is_set():
        raise KeyboardInterrupt
    if problem:
        raise problem


def _do(
    ray: Any, tasks: Tasks, numbers: list[int], workers: int | None, begun: set[int], interrupted: Event
) -> BaseException | None:
    """Run the tasks, and return the error if something went wrong.

    The error is returned and not raised, because a traceback keeps references to objects of Ray. If these are freed
    after Ray has shut down, Ray ends the driver with exit code 1 (Ray 2.60).
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
        return Unfinished(f"{tasks.out}: Ray gave a task up ({type(error).__name__}); the same command continues")
    return None


@contextmanager
def _interrupts() -> Iterator[Event]:
    """Set an event at Ctrl-C instead of raising KeyboardInterrupt.

    The event is checked between two calls of Ray, because an interrupt inside a call may leave the driver broken.
    """
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
    except Exception as error:  # Ray raises no narrower class when its processes start too slowly
        raise Unfinished(f"Ray did not start ({str(error).splitlines()[0]}); the same command tries again") from None
    return ray


def _check(address: str) -> None:
    """Raise UserError when no server listens at the address. Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if port.isdigit():
            socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise UserError(f"RAY_ADDRESS: no Ray cluster answers at {address} ({error})") from None


def _run_task(tasks: Tasks, number: int) -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # Ray gave the task one core
    tasks.run_task(number)
