"""How fast packed pictures come: batches of 64 from 70,000 pictures of 64x64, on one core.

python bench/data_feed.py
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from ganvas.data.batches import Batches
from ganvas.data.dataset import Dataset
from ganvas.data.labels import no_labels
from ganvas.draw import Draw

BATCH = 64


def main() -> None:
    """Write a packed file of noise, read it as training would, print images a second."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    count, rounds = (5_000, 200) if asked.quick else (70_000, 2_000)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        packed = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 64, 64, 3))
        chance = np.random.default_rng(0)
        for start in range(0, count, 1000):
            packed[start : start + 1000] = chance.integers(0, 256, packed[start : start + 1000].shape, np.uint8)
        packed.flush()
        images = np.load(path, mmap_mode="r")
        dataset = Dataset(images, no_labels(count, "noise"), tuple(map(str, range(count))), (), "noise")
        for mirror in (False, True):
            batches = Batches(dataset, np.arange(count), 0, torch.device("cpu"), mirror)
            started = time.perf_counter()
            for step in range(rounds):
                batches.at(step * BATCH, Draw(0, BATCH).named("step", step))
            taken_s = time.perf_counter() - started
            print(f"{count} pictures, mirror {mirror}: {rounds * BATCH / taken_s:,.0f} images a second on one core")


if __name__ == "__main__":
    main()
