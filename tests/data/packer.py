"""A packer that remembers, and the pictures it packs."""

from pathlib import Path

import numpy as np

from ganvas.data.dataset import Dataset
from ganvas.data.labels import read_labels
from ganvas.data.pack import Form, pack
from ganvas.data.source import open_source
from tests.data.pictures import (
    encoded,
    noise,
)

SIZE = (12, 16)
FORM = Form(SIZE, 3, "crop")
PICTURES = [noise(seed, *SIZE) for seed in range(12)]
FILES = {f"{'ab'[row % 2]}/{row:02d}.png": encoded(picture) for row, picture in enumerate(PICTURES)}
IN_ORDER = np.stack(PICTURES[0::2] + PICTURES[1::2])  # a/00, a/02, …, b/01, b/03, …


class Packer:
    """Packs into one cache, and remembers how often pictures were decoded and what was said."""

    def __init__(self, root: Path):
        self.root = root
        self.done: list[tuple[int, int]] = []
        self.notices: list[str] = []

    def __call__(self, path: Path, form: Form = FORM, labels: str = "auto") -> Dataset:
        source = open_source(path)
        found = read_labels(source, labels)
        self.done.clear()
        return pack(source, form, found, self.root, self.progress, self.notices.append)

    def progress(self, done: int, total: int) -> None:
        self.done.append((done, total))

    @property
    def packed(self) -> bool:
        return bool(self.done)

    def entries(self) -> list[str]:
        return sorted(path.name for path in self.root.iterdir() if path.name[0] != "." and path.name != "listings")
