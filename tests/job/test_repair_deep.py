"""``ganvas repair`` where holes are deep: patches fill them, which is told and counted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganvas.apply.deep import DEEP_PX, RIM_PX
from ganvas.events import Applied, Event
from ganvas.job.render_photo import PATCHES_SHARE
from ganvas.job.repair import repair
from tests.job.conftest import Models
from tests.job.test_repair import ask, write_mask
from tests.photo_models import noise, write_picture


@pytest.mark.parametrize(("fidelity", "deep_px"), [(0.0, DEEP_PX[0]), (0.5, sum(DEEP_PX) // 2), (1.0, DEEP_PX[1])])
def test_what_was_filled_with_patches_is_said(tmp_path: Path, models: Models, fidelity: float, deep_px: int) -> None:
    side = 2 * deep_px + 1
    mask = np.zeros((side + 20, side + 20), bool)
    mask[10:-10, 10:-10] = True
    source = write_picture(tmp_path / "in.png", noise(side + 20, side + 20))
    request = replace(
        ask(source, tmp_path / "out.png", models, write_mask(tmp_path / "m.png", mask)), fidelity=fidelity
    )
    told: list[Event] = []
    (receipt,) = repair(request, report=told.append).receipts
    shares = [event.share for event in told if isinstance(event, Applied)]
    assert shares == sorted(shares)
    assert len([share for share in shares if share < PATCHES_SHARE]) > 10  # told of while patches are looked for
    assert receipt.patched_px == (side - 2 * RIM_PX) ** 2
    assert receipt.notes == (
        f"{receipt.patched_px:,} pixels, deep in holes, were filled with patches of the photograph.",
    )
    mask[10] = False
    write_mask(tmp_path / "m.png", mask)
    (receipt,) = repair(request).receipts
    assert (receipt.patched_px, receipt.notes) == (0, ())
