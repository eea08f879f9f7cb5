"""Memory of a process that trains on the CPU."""

from __future__ import annotations

import ctypes

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """What a step frees stays with the process for the next step, where the C library is glibc.

    By itself it gives large blocks back to the system, and gets them again page by page: on a virtual machine that
    takes longer than the arithmetic on them (benchmarks/train_step.py).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_MAX, 0)  # no block is mapped by itself, to be unmapped when it is freed
        library.mallopt(_M_TRIM_THRESHOLD, -1)  # never
