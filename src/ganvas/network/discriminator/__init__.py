"""Discriminators: from pictures (and a condition) to a judgement."""

from collections.abc import Mapping

from torch import nn

from ganvas.network.discriminator.dcgan import DcganDiscriminator
from ganvas.network.discriminator.fast import FastDiscriminator
from ganvas.network.discriminator.mlp import MlpDiscriminator
from ganvas.network.discriminator.patch import PatchDiscriminator
from ganvas.network.discriminator.r3 import R3Discriminator
from ganvas.network.discriminator.resnet import ResnetDiscriminator
from ganvas.network.layers.arguments import build

DISCRIMINATORS: dict[str, type[nn.Module]] = {
    "mlp": MlpDiscriminator,
    "dcgan": DcganDiscriminator,
    "resnet": ResnetDiscriminator,
    "r3": R3Discriminator,
    "fast": FastDiscriminator,
    "patch": PatchDiscriminator,
}


def build_discriminator(name: str, arguments: Mapping[str, object]) -> nn.Module:
    """A freshly initialised discriminator; name and arguments may come from an untrusted file.

    Args:
        name: A key of `DISCRIMINATORS`.
        arguments: The constructor's arguments as plain values; lists may stand for tuples.

    Raises:
        UnknownName: There is no such discriminator.
        UsageError: An argument is unknown, missing, of the wrong type, or too large.
    """
    return build("discriminator", DISCRIMINATORS, name, arguments)
