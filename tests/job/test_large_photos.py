"""Memory: bounded by the photograph as it was read, one tile and one band, never by the output."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ganvas.image.metadata import Metadata
from ganvas.image.write_photo import writing_photo
from tests.photo_models import write_model

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")]

RUN = """
import json, sys
from pathlib import Path
import ganvas
from ganvas.device import forget_peak, peak_memory_bytes
import torch
model, source, out = sys.argv[1:]
cpu = torch.device("cpu")
ganvas.upscale  # everything is imported before the measurement
from ganvas.job.upscale import upscale
forget_peak(cpu)
before = peak_memory_bytes(cpu)
result = ganvas.upscale(source, out, model=model, device="cpu", tile=256)
print(json.dumps([before, peak_memory_bytes(cpu), result.receipts[0].output.size_px]))
"""


def write_large(path: Path, height: int, width: int) -> None:
    """A gradient of a few kilobytes a megapixel."""
    row = np.stack([np.arange(width, dtype=np.uint32) // 7 % 256] * 3, axis=-1).astype(np.uint8)
    none = Metadata(None, None, None)
    with writing_photo(path, format="png", size=(height, width), channels=3, bits=8, metadata=none, xmp=None) as write:
        for top in range(0, height, 100):
            write(np.repeat((row + top // 100)[None].astype(np.uint8), min(100, height - top), axis=0))


def peak(tmp_path: Path, model: Path, height: int, width: int) -> tuple[int, int]:
    source = tmp_path / "large.png"
    write_large(source, height, width)
    words = [sys.executable, "-c", RUN, str(model), str(source), str(tmp_path / "out.png")]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    before, after, size = json.loads(told)
    assert size == [2 * width, 2 * height]
    return before, after - before


def test_twenty_four_megapixels_and_their_double(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.safetensors", "upscale", width=16, depth=1)
    height, width = 4000, 6000
    before, grown = peak(tmp_path, model, height, width)
    pixels = height * width
    # Pillow's picture (4 bytes a pixel) and its array (3); a band of 512 output rows in float32, twice over, and tiles
    allowed = 7 * pixels + 2 * 4 * 4 * 512 * 2 * width + (150 << 20)
    assert grown < allowed
    assert allowed < 4 * 3 * pixels * 4  # the output alone as float32 would be more
    assert before + grown < 1 << 30
