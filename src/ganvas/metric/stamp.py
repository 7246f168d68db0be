"""What must be known of a score before it may stand beside another.

Fréchet distances of the same pictures differ by several points with the network, the resize, the divisor of the
covariance and the number of pictures (Parmar et al. 2022, arXiv:2104.11222; Chong and Forsyth 2020,
arXiv:1911.07023). So every result carries its stamp, and results of different stamps are not compared.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ganvas.metric.fields import Fields

Precision = Literal["float32", "bfloat16"]
Side = Literal["real", "fake"]

PRECISIONS: dict[str, Precision] = {"float32": "float32", "bfloat16": "bfloat16"}
SIDES: tuple[Side, ...] = ("real", "fake")

COMPARED = (
    "network",
    "network_sha256",
    "protocol",
    "resize",
    "unbiased",
    "real_key",
    "real_count",
    "fake_count",
    "seed",
    "precision",
)
"""The fields in which two results must agree to be comparable; the others are only told."""


@dataclass(frozen=True)
class Stamp:
    """How a result came about.

    Attributes:
        network: Name of the feature network.
        network_sha256: Of its weights.
        protocol: Name of the protocol.
        resize: How pictures were brought to the network's size.
        unbiased: Covariances divided by N - 1; else by N.
        real_key: A hash of the content of all real pictures.
        real_count: How many reals were measured.
        fake_count: How many fakes were measured.
        seed: Of the fakes' latents, and of the groups and splits.
        precision: Of the network's arithmetic.
        formats: File formats met among reals and fakes, each with its count; pictures that never were files
            count as ``memory``.
        device: Where the network ran.
        threads: Processor threads; sums in another order differ in their last digits.
        versions: Of ganvas, torch, numpy and python.
    """

    network: str
    network_sha256: str
    protocol: str
    resize: str
    unbiased: bool
    real_key: str
    real_count: int
    fake_count: int
    seed: int
    precision: Precision
    formats: Mapping[Side, Mapping[str, int]]
    device: str
    threads: int
    versions: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them."""
        return asdict(self)

    @staticmethod
    def from_dict(raw: object, origin: str) -> "Stamp":
        """Read a stamp that may have been written by anybody.

        Args:
            raw: What JSON parsing gave.
            origin: The file, as errors shall name it.

        Raises:
            FileError: A field is missing, unknown, or of the wrong kind or size.
        """
        found = Fields.of(raw, origin)
        found.only([field.name for field in fields(Stamp)])
        formats, versions = found.inner("formats"), found.inner("versions")
        formats.only(SIDES)
        return Stamp(
            network=found.text("network"),
            network_sha256=found.text("network_sha256"),
            protocol=found.text("protocol"),
            resize=found.text("resize"),
            unbiased=found.flag("unbiased"),
            real_key=found.text("real_key"),
            real_count=found.whole("real_count"),
            fake_count=found.whole("fake_count"),
            seed=found.whole("seed"),
            precision=PRECISIONS[found.choice("precision", tuple(PRECISIONS))],
            formats={side: _counts(formats.inner(side)) for side in SIDES},
            device=found.text("device"),
            threads=found.whole("threads", least=1),
            versions={name: versions.text(name) for name in versions.values},
        )


def compared(stamp: Stamp) -> dict[str, Any]:
    """The fields of `COMPARED` and what they are."""
    values = stamp.to_dict()
    return {name: values[name] for name in COMPARED}


def differences(a: Stamp, b: Stamp) -> list[str]:
    """The fields of `COMPARED` in which two stamps differ, in that order; empty if their results are comparable."""
    left, right = compared(a), compared(b)
    return [name for name in COMPARED if left[name] != right[name]]


def measurement(*facts: object) -> str:
    """Eight hex digits for the names of files: measurements of other facts do not overwrite each other's.

    Args:
        facts: What the measurement depends on, as plain values.
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]


def _counts(found: Fields) -> dict[str, int]:
    return {name: found.whole(name, least=1) for name in found.values}
