import pytest
import torch

from ganvas.errors import OutOfMemory
from ganvas.training.distribute import World
from ganvas.training.memory import explained_memory, rows_at_once, smaller_micro_batch
from tests.training.toys import options

CPU = torch.device("cpu")


def test_an_allocation_too_large_names_half_the_micro_batch() -> None:
    with (
        pytest.raises(
            OutOfMemory, match=r"cpu has too little memory for --micro-batch 8;.*--micro-batch 4 .*--auto-batch"
        ),
        explained_memory(options(), CPU, World()),
    ):
        torch.empty(2**46)  # the real words of torch's allocator


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] . DefaultCPUAllocator: not enough memory: you tried"),
    ],
)
def test_every_device_is_understood(error: RuntimeError) -> None:
    with pytest.raises(OutOfMemory) as caught, explained_memory(options(), CPU, World()):
        raise error
    assert caught.value.__cause__ is error


def test_one_picture_too_many_asks_for_smaller_ones() -> None:
    with (
        pytest.raises(OutOfMemory, match=r"--micro-batch 1; .* with a smaller --size or --width"),
        explained_memory(options(micro_batch=1), CPU, World()),
    ):
        raise torch.OutOfMemoryError("x")


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("x")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explained_memory(options(), CPU, World()):
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("batch", "micro_batch", "processes", "rows"),
    [(8, 8, 1, 8), (8, 3, 1, 3), (8, 99, 1, 8), (8, 8, 4, 2), (2, 8, 4, 1)],
)
def test_rows_at_once_are_what_a_process_gets_or_the_micro_batch(
    batch: int, micro_batch: int, processes: int, rows: int
) -> None:
    assert rows_at_once(options(batch=batch, micro_batch=micro_batch), World(0, processes)) == rows


@pytest.mark.parametrize(
    ("batch", "micro_batch", "processes", "smaller"),
    [(8, 8, 1, 4), (8, 3, 1, 1), (8, 1, 1, 0), (8, 99, 1, 4), (64, 64, 4, 8), (4, 64, 4, 0)],
)
def test_the_next_smaller_micro_batch_is_the_one_the_sentence_names(
    batch: int, micro_batch: int, processes: int, smaller: int
) -> None:
    """Half of a --micro-batch larger than a process's share would change nothing."""
    settings, world = options(batch=batch, micro_batch=micro_batch), World(0, processes)
    assert smaller_micro_batch(settings, world) == smaller
    with pytest.raises(OutOfMemory) as caught, explained_memory(settings, CPU, world):
        raise torch.OutOfMemoryError("x")
    assert (f"with --micro-batch {smaller} " in str(caught.value)) == (smaller > 0)
    if smaller:
        assert rows_at_once(options(batch=batch, micro_batch=smaller), world) == smaller
