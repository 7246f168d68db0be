from pathlib import Path

import numpy as np

import ganvas
from tests.photo_models import noise, read_picture, write_model, write_picture


def test_from_python(tmp_path: Path) -> None:
    pixels = noise(9, 11)
    photo = write_picture(tmp_path / "a.png", pixels)
    mask = np.zeros((9, 11, 1), np.uint8)
    mask[2:4, 5] = 255
    write_picture(tmp_path / "m.png", mask)
    models = {
        task: str(write_model(tmp_path / f"{task}.safetensors", task, bias=-1.0 if task == "find-scratches" else 0.0))
        for task in ("repair", "restore", "upscale", "find-scratches")
    }
    repaired = ganvas.repair(photo, tmp_path / "b.png", mask=tmp_path / "m.png", model=models["repair"], device="cpu")
    assert repaired.receipts[0].masked_px == 2
    restored = ganvas.restore(str(photo), str(tmp_path / "c.png"), model=models["restore"], device="cpu", tile=4)
    assert restored.receipts[0].tile_px == 4
    ganvas.upscale(photo, tmp_path / "d.png", model=models["upscale"], device="cpu", receipt=str(tmp_path / "r.json"))
    assert (tmp_path / "r.json").is_file()
    assert np.array_equal(read_picture(tmp_path / "d.png").pixels[::2, ::2], pixels)
    revived = ganvas.revive(
        photo,
        tmp_path / "out",
        repair_model=models["repair"],
        restore_model=models["restore"],
        scratch_model=models["find-scratches"],
        device="cpu",
    )
    assert [step.verb for step in revived.receipts[0].steps] == ["repair", "revive"]
