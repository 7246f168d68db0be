import json
from dataclasses import replace

from ganvas.apply.receipt import Change, Receipt, Side

SIDE = Side("out/a.png", (300, 200), 3, 8, "png", "0" * 64)
PLAIN = Receipt("repair", SIDE, SIDE, seconds=1.26)


def test_in_words() -> None:
    assert PLAIN.in_words() == "out/a.png  300x200  1.3 s"
    kept = replace(PLAIN, outside_mask=Change(0, 0.0), notes=("A note.",))
    assert kept.in_words() == "out/a.png  300x200  unchanged outside the mask  1.3 s  A note."
    changed = replace(PLAIN, outside_mask=Change(13, 0.7), colour_residual_levels=0.123)
    assert "  up to 13 levels outside the mask  broad colours within 0.12 levels  " in changed.in_words()


def test_as_plain_values() -> None:
    chain = replace(PLAIN, steps=(PLAIN,), outside_mask=Change(0, 0.0))
    told = json.loads(json.dumps(chain.to_dict()))
    assert told["steps"][0]["verb"] == "repair"
    assert told["outside_mask"] == {"max_levels": 0, "mean_levels": 0.0}
    assert told["seed"] is None
