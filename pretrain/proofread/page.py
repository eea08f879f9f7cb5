"""`electra try` opens one or two models and serves their page until it is interrupted."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from configs.common import json_lines
from configs.common.pages.rendering import render
from pretrain.proofread.answers import Answers
from pretrain.proofread.model import Proofreader, open_proofreader
from pretrain.proofread.server import MOST_BYTES, Server, Site

_HTML, _CSS, _SCRIPT = "text/html", "text/css", "text/javascript"


def serve(models: Sequence[str], window: int | None, host: str, port: int) -> None:
    """Serve the page of these models. Raises UserError for a model that cannot be opened, or a port that is in use."""
    with Server(host, port, site([open_proofreader(model, window) for model in models])) as server:
        try:
            json_lines.write("server", url=server.url, models=[*models])
            typer.echo(f"{server.url} shows {' beside '.join(models)}; Ctrl-C ends it")
            if not server.is_local:
                typer.echo(
                    f"warning: {host} can be reached from other machines, and the page has no password", err=True
                )
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("ended")


def site(readers: Sequence[Proofreader]) -> Site:
    """Make the page, its style and script, and the answers."""
    models = [
        {"name": reader.name, "remarks": [*reader.remarks()], "suspects": reader.discriminator is not None}
        for reader in readers
    ]
    title = f"Try {' and '.join(reader.name for reader in readers)}"
    page = render("pretrain", "try.html", {"title": title, "models": models, "most_bytes": MOST_BYTES})
    styles = {f"/{name}": (_CSS, render("pretrain", name, {})) for name in ("page.css", "try.css")}
    files = {"/": (_HTML, page), "/try.js": (_SCRIPT, render("pretrain", "try.js", {})), **styles}
    answers = Answers(readers)
    return Site(files, {"/suspicion": answers.suspicion, "/proposals": answers.proposals})
