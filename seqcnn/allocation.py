"""Memory that is given back and taken again at every step of training, kept instead."""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Numbers of glibc's mallopt, from its malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
_KEEP_EVERYTHING = 2**31 - 1

_lock = threading.Lock()
_users = 0


@contextmanager
def keep_freed_memory() -> Iterator[None]:
    """Let the C library keep freed memory inside the block, and give it back to the system behind it.

    A step of training frees and takes hundreds of megabytes in blocks of some megabytes. glibc hands such blocks back
    to the system at once, and every page that is taken anew costs a page fault and is zeroed. Behind the block its
    thresholds stand where glibc itself moves them once a program has freed a block of 32 MiB.

    Does nothing where the C library is not glibc. Nested and parallel use is counted.

    Examples
    --------
    >>> with keep_freed_memory():
    ...     pass
    """
    global _users
    library = _glibc()
    if library is None:
        yield
        return
    with _lock:
        _users += 1
        if _users == 1:
            library.mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
            library.mallopt(_TRIM_THRESHOLD, _KEEP_EVERYTHING)
            library.mallopt(_TOP_PAD, 2 * _LARGEST_MMAP_THRESHOLD)
            # Blocks beyond the threshold, the largest there may be, would be mapped and unmapped each time.
            library.mallopt(_MMAP_MAX, 0)
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                library.mallopt(_MMAP_MAX, 65536)
                library.mallopt(_TOP_PAD, 128 * 2**10)
                library.mallopt(_TRIM_THRESHOLD, 2 * _LARGEST_MMAP_THRESHOLD)
                library.malloc_trim(0)


@functools.cache
def _glibc() -> Any:
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018 - only glibc has it
    except (OSError, AttributeError, TypeError):
        return None
    return library
