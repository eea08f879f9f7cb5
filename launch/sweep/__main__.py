"""The command `electra sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from configs.common.cli import application, run

app = application()


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.toml", help="Named recipes, seeds, a corpus and scores.")],
    *,
    out: Annotated[Path, typer.Option(help="A new folder for the runs and the results; sweep.html shows them.")],
    on: Annotated[str, typer.Option(metavar="MACHINE", help="See `electra machines`.")] = "local",
    nodes: Annotated[int, typer.Option(min=1, help="How many nodes train a run.")] = 1,
    processes: Annotated[
        int | None, typer.Option(min=1, help="On each node; by default one for each GPU, else core.")
    ] = None,
    json: Annotated[Path | None, typer.Option(dir_okay=False, help="Also write every number into this file.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the runs with their FLOPs and times.")] = False,
    gpu: Annotated[str | None, typer.Option(help="Of --dry-run: the GPUs of the machine, such as h200.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the jobs of another machine until they end.")] = False,
) -> None:
    """Train named recipes with several seeds, one run after the other or as jobs, and compare their scores.

    Finished runs are skipped and interrupted runs resume, so the same command continues after an interruption of any
    kind, and after recipes or seeds were added. Exit code 75 means that it was asked to stop.
    """
    from configs.common.errors import UserError
    from launch.sweep.command import Request
    from launch.sweep.command import plan as print_plan
    from launch.sweep.command import sweep as execute

    if gpu and not dry_run:
        raise UserError("--gpu: is for --dry-run")
    request = Request(file, out, on, nodes, processes, json)
    if dry_run:
        print_plan(request, gpu)
    else:
        execute(request, watch=watch)


if __name__ == "__main__":
    run(app)
