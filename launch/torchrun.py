"""This program runs torchrun, and exits with the exit code of the process that ended it.

Schedulers decide by this exit code, and torchrun itself would always exit with 1.

`python -m launch.torchrun` takes torchrun's arguments and environment (PET_NNODES, PET_NODE_RANK, ...). On one node it
picks a free port, so several can run on one machine; on several nodes the first node's address must be given.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from configs.common import chatter
from configs.common.errors import EXIT_UNFINISHED, EXIT_USER_ERROR, UserError

# Options that begin with these words say where the processes are and how they meet. The environment variables with the
# same meaning begin with PET_.
_LAYOUT = ("nnodes", "node-rank", "rdzv-", "master-", "standalone", "local-addr")


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0, 2 or 75 if the processes exit with it, and 1 for any other failure.

    The exit code is also 75 if this process was asked to stop.
    """
    try:
        arguments = complete_layout(arguments, os.environ)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        with chatter.quiet():
            torchrun(list(arguments))
    except SignalException:  # The processes got the signal as well, and have had time to save.
        return EXIT_UNFINISHED
    except ChildFailedError as error:
        codes = {failure.exitcode for failure in error.failures.values()}
        return next((code for code in (EXIT_USER_ERROR, EXIT_UNFINISHED) if code in codes), 1)
    return 0


def complete_layout(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Add --standalone if no layout is given, which makes torchrun pick a free port.

    By default torchrun uses a fixed port, on which two runs would collide. Raises UserError for an empty address of the
    first node, because torchrun would take this machine for the first node.
    """
    layout = {key[4:].lower().replace("_", "-"): value for key, value in environment.items() if key.startswith("PET_")}
    layout |= _options(arguments)
    for name in ("master-addr", "rdzv-endpoint"):
        if name in layout and not layout[name].strip():
            raise UserError(
                f"--{name}: empty, so the processes of this node cannot find the first node; give its address"
            )
    is_given = any(name.startswith(_LAYOUT) for name in layout)
    return list(arguments) if is_given else ["--standalone", *arguments]


def _options(arguments: Sequence[str]) -> dict[str, str]:
    """Return torchrun's own long options, which stand before the program that it starts."""
    options: dict[str, str] = {}
    for position, argument in enumerate(arguments):
        if argument in ("--", "-m", "--module"):
            break
        if argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            following = arguments[position + 1] if position + 1 < len(arguments) else ""
            options[name.replace("_", "-")] = value if equals else following
    # An option that is followed by another option has no value.
    return {name: "" if value.startswith("--") and value != "--" else value for name, value in options.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
