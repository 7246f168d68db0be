"""Generators: from latents (and a condition) to pictures."""

from collections.abc import Mapping

from torch import nn

from ganvas.network.generator.dcgan import DcganGenerator
from ganvas.network.generator.fast import FastGenerator
from ganvas.network.generator.mlp import MlpGenerator
from ganvas.network.generator.r3 import R3Generator
from ganvas.network.generator.resnet import ResnetGenerator
from ganvas.network.layers.arguments import build

GENERATORS: dict[str, type[nn.Module]] = {
    "mlp": MlpGenerator,
    "dcgan": DcganGenerator,
    "resnet": ResnetGenerator,
    "r3": R3Generator,
    "fast": FastGenerator,
}


def build_generator(name: str, arguments: Mapping[str, object]) -> nn.Module:
    """A freshly initialised generator; name and arguments may come from an untrusted file.

    Args:
        name: A key of `GENERATORS`.
        arguments: The constructor's arguments as plain values; lists may stand for tuples.

    Raises:
        UnknownName: There is no such generator.
        UsageError: An argument is unknown, missing, of the wrong type, or too large.
    """
    return build("generator", GENERATORS, name, arguments)
