"""What a browser would make of a page."""

import base64
import io
import re
from collections.abc import Sequence
from html.parser import HTMLParser

import numpy as np
from PIL import Image

from ganvas.tensors import Levels

VOID = {"meta", "img", "br", "hr", "link", "input"}


def inlined(html: str) -> list[bytes]:
    """Every PNG file of a page, in order."""
    found = re.findall(r'src="data:image/png;base64,([^"]*)"', html)
    return [base64.b64decode(data, validate=True) for data in found]


def decoded(html: str) -> list[Levels]:
    """The same as pictures ``(H, W, C)``."""
    found = []
    for file in inlined(html):
        array = np.asarray(Image.open(io.BytesIO(file)))
        found.append(array if array.ndim == 3 else array[..., None])
    return found


class Reader(HTMLParser):
    """Tags, attributes and words of a page; a tag closed by another is a ValueError."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self._open: list[str] = []
        self._self_closed = False
        self.feed(html)
        self.close()
        if self._open:
            raise ValueError(f"{self._open} stay open")

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            raise ValueError(f"</{tag}> closes another")

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.words += data
