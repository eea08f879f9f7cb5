"""The commands `electra try` and `electra proofread`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(help="A run, a checkpoint, an export, or a released model.")]
WindowLength = Annotated[
    int | None,
    typer.Option(
        "--window", metavar="TOKENS", help="Of long texts; by default a row of the run, or all positions of a model."
    ),
]


class OutputFormat(StrEnum):
    text = "text"
    jsonl = "jsonl"


def try_(
    model: Model,
    against: Annotated[str | None, typer.Option(metavar="MODEL", help="Another model, shown beside it.")] = None,
    window: WindowLength = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen. Any other address lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
) -> None:
    """Serve a page to try a model on your own text: the suspicion of every token, and proposals for every word.

    The page needs no other server, and only this machine can open it. A model with only one of the two networks does
    what that network can do.
    """
    from pretrain.proofread.page import serve

    serve([model, *([against] if against else [])], window, host, port)


def proofread(
    model: Model,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Texts in UTF-8; - is standard input.")],
    format: Annotated[
        OutputFormat, typer.Option(help="For people, or a JSON object on each line.")
    ] = OutputFormat.text,
    threshold: Annotated[
        float | None, typer.Option(metavar="T", help="Flag tokens with a higher suspicion, from 0 to 1.")
    ] = None,
    false_alarms: Annotated[
        float | None,
        typer.Option(metavar="RATE", help="Flag this share of the tokens of correct text; by default 0.01."),
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option(help="Whose held-out rows measure the false alarms; by default the corpus of the run."),
    ] = None,
    window: WindowLength = None,
) -> None:
    """Print the words of texts that the discriminator suspects, with the proposals of the generator.

    The threshold, its measured false-alarm rate and a summary are printed on stderr. The exit code is 0 whether or not
    a word is flagged, because some tokens of correct text always are.
    """
    from pretrain.proofread.show import print_findings

    print_findings(
        model,
        files,
        as_json=format is OutputFormat.jsonl,
        threshold=threshold,
        rate=false_alarms,
        corpus=corpus,
        window=window,
    )
