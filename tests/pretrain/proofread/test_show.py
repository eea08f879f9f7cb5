"""What `electra proofread` prints for people steers no terminal and can be read without colours."""

from __future__ import annotations

from rich.console import Console

from pretrain.proofread.findings import Finding, Proofread
from pretrain.proofread.proposals import Proposal
from pretrain.proofread.show import printable, styled
from pretrain.proofread.texts import Text

CONTENT = "The banana\r\nis \x1b[31mred\x07.\r\n\r\nThe end"
ANSWER = Proofread(
    Text("a.txt", CONTENT),
    [
        Finding("a.txt", 1, 4, 10, "banana", 0.9, [Proposal(word, 0.1) for word in ("file", "key", "list", "name")]),
        Finding("a.txt", 4, 29, 32, "The", 0.5, None),
        Finding("a.txt", 4, 33, 36, "end", 0.25, []),
    ],
    8,
    3,
)


def printed(*, terminal: bool, brackets: bool, no_color: bool = False) -> str:
    console = Console(
        force_terminal=terminal, color_system="standard" if terminal else None, no_color=no_color, width=80
    )
    with console.capture() as capture:
        for line in styled(ANSWER, brackets=brackets):
            console.print(line, soft_wrap=True)
    return capture.get()


def test_without_a_terminal_words_are_in_brackets() -> None:
    assert printed(terminal=False, brackets=True).splitlines() == [
        "a.txt:1: The [[banana]]",
        "    90.0%  banana  instead: file 10.0%, key 10.0%, list 10.0%",
        "a.txt:4: [[The]] [[end]]",
        "    50.0%  The",
        "    25.0%  end",
    ]


def test_on_a_terminal_words_are_red_and_underlined() -> None:
    assert "The \x1b[1;4;31mbanana\x1b[0m" in printed(terminal=True, brackets=False)
    assert "31m" not in printed(terminal=True, brackets=False, no_color=True)
    assert "banana" in printed(terminal=True, brackets=False, no_color=True)


def test_characters_that_steer_a_terminal_are_replaced() -> None:
    assert printable("a\x1b[31m\x07\r\x9b\u202e\tb今\u3000😀\u200d") == "a�[31m����\tb今\u3000😀\u200d"
