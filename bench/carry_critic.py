"""Add to a model trained further by its pixels what a critic had changed in it before.

    python bench/carry_critic.py RUN src/ganvas/weights/repair.safetensors both.safetensors --share 0.7
    ganvas train PHOTOS --task repair --start-from both.safetensors --pixel-share 0.002

The faithful end is that of RUN; the inventive one is the same and a share of the way between the two ends of the other
model, weight by weight (task vectors: Ilharco et al. 2023, arXiv:2212.04089). The card tells of it, and loses scores
and speed.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from photographs.plain_errors import plain_errors
from torch import Tensor

from ganvas.job.ledger import sha256_of
from ganvas.model.photo import FAITHFUL, NAME, load_photo_model
from ganvas.model.save import write_tensors


def carried(
    faithful: Mapping[str, Tensor], ends: tuple[Mapping[str, Tensor], Mapping[str, Tensor]], share: float
) -> dict[str, Tensor]:
    """Weights moved as others were from the second to the first of two ends; what is not float stays."""
    inventive, before = ends
    return {
        key: value + share * (inventive[key] - before[key]) if value.is_floating_point() else value
        for key, value in faithful.items()
    }


@plain_errors()
def main() -> None:
    """Carry the change of one model over to another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("critic", type=Path, help="a model with two ends")
    parser.add_argument("target", type=Path)
    parser.add_argument("--share", type=float, default=1.0)
    asked = parser.parse_args()
    source = asked.source / "model.safetensors" if asked.source.is_dir() else asked.source
    model, other = (load_photo_model(path, device="cpu") for path in (source, asked.critic))
    if model.descriptor.generators != other.descriptor.generators:
        raise SystemExit(f"'{asked.critic}' holds another network than '{source}'; choose the model it started from.")
    if not other.two_ends:
        raise SystemExit(f"'{asked.critic}' has one end, so no critic changed anything; choose a model with two.")
    inventive = carried(model.faithful, (other.inventive, other.faithful), asked.share)
    tensors = {f"{NAME}/{key}": value for key, value in inventive.items()}
    tensors |= {f"snapshot/{FAITHFUL}/{NAME}/{key}": value for key, value in model.faithful.items()}
    card = {key: value for key, value in model.descriptor.card.items() if key not in ("scores", "speed")}
    card["critic_from"] = {"sha256": sha256_of(asked.critic), "share": asked.share}
    write_tensors(asked.target, replace(model.descriptor, card=card), tensors)


if __name__ == "__main__":
    main()
