"""Tasks on Ray: the cluster that RAY_ADDRESS names, or this machine as one. The corpus lies on a shared folder."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from configs.errors import Unfinished, UserError
from data_prep.engines.tasks import Tasks


def run(tasks: Tasks, numbers: list[int], workers: int | None) -> None:
    """Do the tasks, on all cores of the cluster unless told. Raises what a task raised, Unfinished, or UserError.

    A task whose worker or node is lost goes to another one, three times, as is Ray's own habit.
    """
    ray = _connect()
    running: list[Any] = []
    try:
        on_a_worker, shared, waiting = ray.remote(num_cpus=1)(_run_task), ray.put(tasks), list(reversed(numbers))
        while waiting or running:
            while waiting and len(running) < (workers or len(numbers)):
                running.append(on_a_worker.remote(shared, waiting.pop()))
            finished, running = ray.wait(running)
            ray.get(finished)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise Unfinished(
            f"{tasks.out}: Ray gave a task up ({type(error).__name__}); the same command goes on"
        ) from error
    finally:
        _end(ray, running)


def _connect() -> Any:
    try:
        import ray
    except ImportError:
        raise UserError('--engine ray: Ray is not installed; pip install "electra-pretraining[ray]"') from None
    address = os.environ.get("RAY_ADDRESS", "local")
    _check(address)
    ray.init(address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
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


def _end(ray: Any, running: list[Any]) -> None:
    """What still runs has no one to report to; where the input is bad, the folder that it writes to is removed."""
    for task in running:
        ray.cancel(task)  # by force, Ray may end the driver when a task finishes at that moment
    if running:
        ray.wait(running, num_returns=len(running), timeout=10)
    ray.shutdown()
