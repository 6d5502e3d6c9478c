"""Freed memory is kept while a network trains, and given back behind it."""

import ctypes
import gc
import resource
import sys
from pathlib import Path

import pytest
import torch

from seqcnn import allocation
from seqcnn.allocation import keep_freed_memory

only_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="page faults are counted on Linux")


def page_faults_of_a_step(mebibytes: int) -> int:
    def step() -> None:
        blocks = [torch.ones(mebibytes * 2**18) for _ in range(4)]  # all at once
        del blocks

    for _ in range(3):
        step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@only_on_linux
@pytest.mark.parametrize("mebibytes", [4, 40])
def test_blocks_that_were_freed_are_taken_again_without_page_faults(mebibytes):
    if allocation._glibc() is None:
        pytest.skip("the C library is not glibc")
    with keep_freed_memory():
        assert page_faults_of_a_step(mebibytes) < 100  # of thousands of pages


@only_on_linux
def test_memory_goes_back_to_the_system_behind_the_outermost_block():
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

    with keep_freed_memory():
        with keep_freed_memory():
            pass
        blocks = [torch.ones(2**20) for _ in range(50)]
        held = resident()
        del blocks
        gc.collect()
    assert resident() < held - 150 * 2**20


def test_without_glibc_nothing_happens(monkeypatch):
    def no_library(name: None) -> None:
        raise OSError("no such library")

    allocation._glibc.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", no_library)
    with keep_freed_memory():
        assert allocation._users == 0
    allocation._glibc.cache_clear()


def test_an_error_inside_the_block_passes_and_ends_it():
    with pytest.raises(ZeroDivisionError), keep_freed_memory():
        raise ZeroDivisionError
    assert allocation._users == 0
