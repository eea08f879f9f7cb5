"""Samples in Markdown, as TensorBoard shows them: every token is there, and nothing of a token is markup."""

from __future__ import annotations

from html.parser import HTMLParser

from tensorboard.plugin_util import markdown_to_safe_html

from pretrain.run.samples import SampleRow, Samples, Slot
from pretrain.watch.sample_text import markdown


class Page(HTMLParser):
    def __init__(self, source: str):
        super().__init__()
        self.text, self.tags = "", set[str]()
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(row: SampleRow) -> Page:
    return Page(markdown_to_safe_html(markdown(Samples(kind="evaluation", step=1, rows=(row,)))))


def test_a_row_is_shown_masked_and_judged() -> None:
    page = shown(
        SampleRow(
            row=7,
            tokens=("[CLS]", "the", "cat", "##s", "sat", "down"),
            slots=(Slot(position=2, shown="[MASK]", put="dog"), Slot(position=4, shown="[MASK]", put="sat")),
            suspicion=(0.0, 0.09, 0.8, 0.3, 0.5, 0.1),
        )
    )
    assert "Row 7, masked: [CLS] the [MASK]s [MASK] down" in page.text
    assert "Row 7, judged: [CLS] the dog█ (cat)s▒ sat▓ down░" in page.text
    assert page.tags == {"p", "strong"}


def test_tokens_are_never_markup() -> None:
    tokens = ("<script>", "**", "_a_", "`", "[x](y)", "&lt;", "#", "1.", "|", "\\\\", "!", "~")
    slots = tuple(Slot(position=place, shown=token, put=token) for place, token in enumerate(tokens[:6]))
    page = shown(SampleRow(row=0, tokens=tokens, slots=slots, suspicion=None))
    text = "<script> ** _a_ ` [x](y) &lt; # 1. | \\\\ ! ~"
    assert f"masked: {text}" in page.text
    assert f"judged: {text}" in page.text
    assert page.tags == {"p", "strong"}


def test_chinese_is_written_without_spaces() -> None:
    slot = (Slot(position=1, shown="[MASK]", put="们"), Slot(position=2, shown="[MASK]", put="来"))
    page = shown(SampleRow(row=0, tokens=("我", "们", "去"), slots=slot, suspicion=(0.1, 0.2, None)))
    assert "masked:我 [MASK] [MASK]" in page.text
    assert "judged:我░们░来 (去)" in page.text
