"""Tokens that are shaded by suspicion: escaped, and understandable without colours."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined

from pretrain.run.samples import SampleRow, Slot

PAGES = Environment(
    loader=PackageLoader("configs.common.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(call: str, **facts: object) -> str:
    source = f"{{% from 'tokens.html' import shaded, sample %}}{{{{ {call} }}}}"
    return PAGES.from_string(source).render(facts).strip()


def text_of(html: str) -> list[str]:
    """Return the text of each line, as a screen reader reads it."""
    lines = re.findall(r"<p>(.*?)</p>", html, re.DOTALL)
    return [re.sub(r"<[^>]*>", "", line).replace("&lt;", "<").replace("&gt;", ">") for line in lines]


def test_a_shaded_token_says_its_suspicion() -> None:
    html = render("shaded('dog', 0.812, 0.8, 'cat')")
    assert "rgba(var(--shade), 0.80)" in html and 'title="0.812"' in html
    assert re.sub(r"<[^>]*>", "", html) == "dog (cat) (suspicion 81 %)"


def test_a_token_without_visible_shade_is_the_word_alone() -> None:
    assert re.sub(r"<[^>]*>", "", render("shaded('dog', 0.1, 0.1)")) == "dog"
    assert "style" not in render("shaded('dog', none, 0)")


def test_everything_is_escaped() -> None:
    html = render("shaded(word, 0.9, 0.9, original)", word="<b>", original='"><i>')
    assert "<b>" not in html and "<i>" not in html and "&lt;b&gt;" in html


def test_a_sample_shows_the_original_the_masked_and_the_judged_row() -> None:
    row = SampleRow(
        row=7,
        tokens=("the", "<cat>", "##s", "sat", "我"),
        slots=(Slot(position=1, shown="[MASK]", put="dog"), Slot(position=3, shown="sat", put="sat")),
        suspicion=(0.05, 0.8, 0.2, 0.4, None),
    )
    assert text_of(render("sample(row)", row=row)) == [
        "original the <cat>s sat我",
        "masked the [MASK]s sat我",
        "judged the dog (<cat>) (suspicion 80 %)s sat我",
    ]
    # Shades grow with the square of the suspicion, and the darkest one can be lower than 1.
    assert "rgba(var(--shade), 0.64)" in render("sample(row)", row=row)
    assert "rgba(var(--shade), 0.25)" in render("sample(row, 0.8)", row=row)


def test_a_sample_of_a_pair_that_does_not_detect_has_no_shades() -> None:
    row = SampleRow(row=7, tokens=("the", "cat"), slots=(), suspicion=None)
    html = render("sample(row)", row=row)
    assert text_of(html) == ["original the cat", "masked the cat", "judged the cat"] and "style" not in html
