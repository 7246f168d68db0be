"""Several processes as one: gradients are averaged once a step, rank 0 writes.

There is no wrapper around the networks: DistributedDataParallel leaves gradients unreduced after
`autograd.grad`, which every gradient penalty uses. `torchrun` sets the environment that `World.join` reads.
"""

import atexit
import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ganvas.errors import UsageError


def leave() -> None:
    """Give back what `World.join` took; it happens by itself when the process ends."""
    if dist.is_initialized():
        dist.destroy_process_group()


@dataclass(frozen=True)
class World:
    """The processes of a run, seen from one of them."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @staticmethod
    def join(device_type: str) -> "World":
        """Join the processes torchrun started; alone when it did not."""
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return World()
        if not dist.is_initialized():
            # Functions in there take the group that exists when they are first imported as a default, and would keep it
            # and its threads alive; a process that ends with them may be aborted (pytorch/pytorch#190489).
            importlib.import_module("torch.distributed.nn")
            # Past fakes stay in the machine's memory, which nccl cannot send.
            dist.init_process_group("cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo")
            atexit.register(leave)
        return World(dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_RANK", "0")))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def shard(self, batch: int) -> tuple[int, int]:
        """This process's rows ``(start, stop)`` of a batch."""
        if batch % self.size:
            raise UsageError(
                f"--batch is {batch}, which does not divide over {self.size} processes; "
                f"try {max(1, batch // self.size) * self.size}."
            )
        rows = batch // self.size
        return self.rank * rows, (self.rank + 1) * rows

    def average_gradients_(self, parameters: Iterable[nn.Parameter]) -> None:
        """Average ``.grad`` over all processes, in one message a dtype.

        A weight that no loss reached here, but one did in another process, gets a gradient here too: otherwise one
        would step it and the other not.
        """
        if self.size == 1:
            return
        weights = [parameter for parameter in parameters if parameter.requires_grad]
        reached = self.average(torch.tensor([float(weight.grad is not None) for weight in weights]))
        for weight, share in zip(weights, reached.tolist(), strict=True):
            if share and weight.grad is None:
                weight.grad = torch.zeros_like(weight)
        grads = [weight.grad for weight in weights if weight.grad is not None]
        for dtype in dict.fromkeys(grad.dtype for grad in grads):  # the same order everywhere
            same = [grad for grad in grads if grad.dtype == dtype]
            flat = torch.cat([grad.reshape(-1) for grad in same])
            dist.all_reduce(flat)
            flat /= self.size
            for grad, piece in zip(same, flat.split([g.numel() for g in same]), strict=True):
                grad.copy_(piece.view(grad.shape))

    def average(self, values: Tensor) -> Tensor:
        """The mean of a tensor over all processes."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def any(self, flag: bool) -> bool:
        """Whether any process says yes; asked and answered on the CPU, so no GPU is waited for."""
        return bool(self.average(torch.tensor(float(flag))) > 0)

    def gather(self, value: Tensor) -> list[Tensor]:
        """The same-shaped tensor of every process, in rank order."""
        if self.size == 1:
            return [value]
        gathered = [torch.empty_like(value, memory_format=torch.contiguous_format) for _ in range(self.size)]
        dist.all_gather(gathered, value.contiguous())
        return gathered

    def broadcast_(self, tensors: Iterable[Tensor]) -> None:
        """Overwrite tensors with those of rank 0."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def share(self, text: str) -> str:
        """Rank 0's text, in every process."""
        if self.size == 1:
            return text
        box = [text]
        dist.broadcast_object_list(box)
        return box[0]

    def wait(self) -> None:
        """Let every process come to this point."""
        if self.size > 1:
            dist.barrier()
