"""torchrun that leaves with the exit code of the process that ended it, by which schedulers decide; else it is 1.

`python -m launch.torchrun` takes torchrun's arguments and environment (PET_NNODES, PET_NODE_RANK, ...).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from configs.common.errors import EXIT_UNFINISHED, EXIT_USER_ERROR


def main(arguments: Sequence[str]) -> int:
    """0, 2 or 75 as the processes say; 75 too when this one was asked to stop; 1 for whatever else ended them."""
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        torchrun(list(arguments))
    except SignalException:  # the processes were asked too, and have had their time to save
        return EXIT_UNFINISHED
    except ChildFailedError as error:
        codes = {failure.exitcode for failure in error.failures.values()}
        return next((code for code in (EXIT_USER_ERROR, EXIT_UNFINISHED) if code in codes), 1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
