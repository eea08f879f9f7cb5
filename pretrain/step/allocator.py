"""The memory allocator of a process that trains on the CPU."""

from __future__ import annotations

import ctypes

# These numbers are defined in malloc.h of glibc.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> None:
    """Keep the memory that a step frees in the process for the next step. This works only with glibc as C library.

    By default, glibc gives large blocks back to the system and then requests them again, page by page. On a virtual
    machine this takes longer than the arithmetic on the blocks (benchmarks/train_step.py).
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_M_MMAP_MAX, 0)  # no block gets its own mapping, which free() would unmap
        library.mallopt(_M_TRIM_THRESHOLD, -1)  # free() never shrinks the heap
