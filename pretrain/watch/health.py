"""Whether a run is healthy: a pure function from what it has logged to a verdict, which every view of a run shows.

The rules are in `rules.py`; nothing here needs torch, a model or a corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from configs.recipe import Recipe
from pretrain.watch.record import Record, is_judged
from pretrain.watch.rules import RULES, Rule, Severity


@dataclass(frozen=True)
class Finding:
    """One rule that a run does not keep, or did not keep for a time."""

    rule: str
    severity: Severity
    step: int  # where it first showed
    sentence: str  # with the numbers of the last time that it showed
    help: str
    until: int | None = None  # the first step after it at which it no longer showed; None if it still shows

    @property
    def is_open(self) -> bool:
        return self.until is None

    @property
    def announcement(self) -> str:
        """The line of a run that trains."""
        return f"{'note' if self.severity == 'note' else 'warning'}: {self.sentence}; {self.help}"

    def __str__(self) -> str:
        if self.is_open:
            return f"{self.severity} from step {self.step:,}: {self.sentence}; {self.help}"
        return f"{self.severity} from step {self.step:,}, over at step {self.until:,}: {self.sentence}; {self.help}"


@dataclass(frozen=True)
class Verdict:
    """What the rules say about a run, the gravest finding first."""

    summary: str
    findings: tuple[Finding, ...]

    @property
    def is_ill(self) -> bool:
        """Whether a problem shows now."""
        return any(finding.severity == "problem" and finding.is_open for finding in self.findings)

    def lines(self) -> list[str]:
        return [self.summary, *map(str, self.findings)]

    def facts(self) -> dict[str, Any]:
        """Return the verdict as values of JSON."""
        return {"summary": self.summary, "is_ill": self.is_ill, "findings": [asdict(one) for one in self.findings]}


def verdict(lines: Sequence[dict[str, Any]], recipe: Recipe, newest_start: int = 0) -> Verdict:
    """Judge a run by the lines of its metrics and its recipe.

    `newest_start` is the step at which the run was last started or resumed. Its speed is compared only from there on,
    because an earlier start may have been on another machine.
    """
    record = Record(sorted(lines, key=lambda line: line["step"]), recipe, newest_start)
    findings = [finding for rule in RULES if (finding := _finding(rule, record))]
    gravity = {"problem": 0, "cost": 1, "note": 2}
    findings.sort(key=lambda finding: (gravity[finding.severity], not finding.is_open, finding.step))
    return Verdict(_summary(record, findings), tuple(findings))


def _finding(rule: Rule, record: Record) -> Finding | None:
    judgements = list(rule.judge(record))
    shown = [index for index, (_, sentence) in enumerate(judgements) if sentence]
    if not shown:
        return None
    after = judgements[shown[-1] + 1 :]
    sentence = judgements[shown[-1]][1]
    assert sentence is not None
    return Finding(
        rule.name, rule.severity, judgements[shown[0]][0], sentence, rule.help, after[0][0] if after else None
    )


def _summary(record: Record, findings: Sequence[Finding]) -> str:
    evaluations = record.of("evaluation")
    num_open = sum(finding.severity == "problem" and finding.is_open for finding in findings)
    if num_open:
        return f"{num_open} problem{'s' * (num_open > 1)} at step {record.last_step:,}"
    if not evaluations:
        return "no held-out row was evaluated, so it is not known whether the model learns"
    if not is_judged(evaluations[-1]["step"], record.recipe.schedule):
        return f"too early at step {record.last_step:,} to judge whether the model learns"
    count = len(evaluations)
    return f"healthy at step {record.last_step:,}, by {count} evaluation{'s' * (count > 1)} on held-out rows"


class Watch:
    """Names the findings of a run in training, each rule once."""

    def __init__(self, recipe: Recipe, newest_start: int = 0):
        self._recipe, self._newest_start, self._named = recipe, newest_start, set[str]()

    def new(self, lines: Sequence[dict[str, Any]]) -> list[Finding]:
        """Return the findings that show now in the lines logged so far, and were not returned before."""
        self.verdict = verdict(lines, self._recipe, self._newest_start)
        fresh = [finding for finding in self.verdict.findings if finding.is_open and finding.rule not in self._named]
        self._named |= {finding.rule for finding in fresh}
        return fresh
