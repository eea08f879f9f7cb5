"""`electra proofread` prints the flagged words of files, as text for people or as lines of JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text as Styled

from configs.common import json_lines
from configs.common.errors import UserError
from data_prep.shards import Corpus
from pretrain.export.examples import corpus_of
from pretrain.proofread.findings import LINE_END, Finding, Proofread, proofread
from pretrain.proofread.model import Proofreader, open_proofreader
from pretrain.proofread.texts import read_texts
from pretrain.proofread.threshold import Threshold, original_tokens, threshold_for

# By default this share of the tokens of correct text is flagged.
DEFAULT_RATE = 0.01
# Characters that could steer a terminal, and marks that change the direction of the text after them.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_MOST_SHOWN = 3  # proposals for a word


def print_findings(
    model: str,
    files: list[str],
    *,
    as_json: bool,
    threshold: float | None,
    rate: float | None,
    corpus: Path | None,
    window: int | None,
) -> None:
    """Proofread files with a model. The threshold and a summary are printed on stderr.

    All files are read before anything is printed. Raises UserError for a bad file, model, corpus or threshold.
    """
    _check(threshold, rate)
    texts = read_texts(files)
    reader = open_proofreader(model, window)
    if reader.discriminator is None:
        raise UserError(f"{model}: has no discriminator with its head, so it suspects no word; name another model")
    chosen = _threshold(reader, threshold, rate, corpus)
    for line in (*reader.remarks(), chosen.line()):
        typer.echo(line, err=True)
    json_lines.write("threshold", **chosen.record())
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for text in texts:
        answer = proofread(reader, text, chosen.value)
        for finding in answer.findings:
            json_lines.write("finding", **finding.record())
        json_lines.write("file", file=text.file, tokens=answer.num_tokens, flagged=answer.num_flagged)
        if as_json:
            for finding in answer.findings:
                sys.stdout.write(json.dumps(finding.record(), ensure_ascii=False) + "\n")
        else:
            for line in styled(answer, brackets=not console.is_terminal):
                console.print(line)
        share = answer.num_flagged / max(1, answer.num_tokens)
        typer.echo(
            f"{text.file}: {answer.num_flagged:,} of {answer.num_tokens:,} tokens ({share:.2%}) are flagged", err=True
        )


def _check(threshold: float | None, rate: float | None) -> None:
    if threshold is not None and rate is not None:
        raise UserError("proofread: give --threshold or --false-alarms, and not both")
    if threshold is not None and not 0 <= threshold < 1:
        raise UserError(f"--threshold {threshold:g}: must be at least 0 and below 1")
    if rate is not None and not 0 < rate < 1:
        raise UserError(f"--false-alarms {rate:g}: must be above 0 and below 1; 0.01 is one token of a hundred")


def _threshold(reader: Proofreader, threshold: float | None, rate: float | None, folder: Path | None) -> Threshold:
    """Return the threshold with its false-alarm rate, which is measured where there is a corpus to measure it on."""
    corpus: Corpus | None = corpus_of(reader.source, folder) if folder or threshold is None else None
    if corpus is None:
        if threshold is not None:
            return Threshold(threshold)
        raise UserError(
            f"{reader.name}: the corpus of its training is not here, and the threshold is measured on held-out rows; "
            "give --corpus, or a --threshold"
        )
    tokens = original_tokens(reader, corpus)
    return tokens.measure(threshold) if threshold is not None else threshold_for(tokens, rate or DEFAULT_RATE)


def styled(answer: Proofread, *, brackets: bool) -> Iterator[Styled]:
    """Yield each line of the text that has flagged words, with these words marked, and each word with its proposals.

    The words are red and underlined, and `brackets` also puts them into [[ ]] for an output without styles.
    """
    before, after = ("[[", "]]") if brackets else ("", "")
    content = answer.text.content
    ends = list(LINE_END.finditer(content))
    starts, stops = [0, *(end.end() for end in ends)], [*(end.start() for end in ends), len(content)]
    for number, findings in groupby(answer.findings, lambda finding: finding.line):
        members = [*findings]
        line = Styled(f"{answer.text.file}:{number}: ", style="bold")
        place = starts[number - 1]
        for finding in members:
            line.append(printable(content[place : finding.start]), style="not bold")
            line.append(f"{before}{printable(finding.text)}{after}", style="red underline")
            place = finding.end
        line.append(printable(content[place : stops[number - 1]]), style="not bold")
        yield line
        yield from map(_remark, members)


def _remark(finding: Finding) -> Styled:
    line = Styled(f"    {finding.suspicion:.1%}  {printable(finding.text)}")
    if finding.proposals:
        shown = ", ".join(f"{each.text} {each.probability:.1%}" for each in finding.proposals[:_MOST_SHOWN])
        line.append(f"  instead: {shown}", style="dim")
    return line


def printable(text: str) -> str:
    """Replace characters that could steer the terminal."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)
