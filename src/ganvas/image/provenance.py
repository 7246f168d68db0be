"""Where a picture comes from, told inside its file.

The *mark* says in the words of the IPTC that a trained model made or changed the picture; it names nobody.
The *recipe* (seed, model hash, options) is for the artist who wants to paint it again. Both travel as one XMP
packet (ISO 16684-1), each without the other if so wished.
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO

from PIL.PngImagePlugin import PngImageFile

from ganvas.errors import UsageError
from ganvas.image.decode import open_picture, reading
from ganvas.image.png import find_chunk

PNG_KEYWORD = "XML:com.adobe.xmp"
MAX_WRITE_BYTES = 60_000
"""JPEG has room for 65,502 bytes of XMP; every format keeps to that, so a recipe fits all or none."""
MAX_READ_BYTES = 1 << 20

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# As attributes, as we write them, or as elements, as other programs rewrite them. Neither backtracks far.
_MARK = re.compile(rb"\bDigitalSourceType\b[^<]{0,99}?://cv\.iptc\.org/newscodes/digitalsourcetype/(\w{1,64})")
_RECIPE = re.compile(rb'\bganvas:Recipe(?:="([^"<]+)"|>([^<>]+)<)')


class SourceType(StrEnum):
    """IPTC digital source types a model can give rise to; the first owe most to it."""

    GENERATED = "trainedAlgorithmicMedia"
    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    ENHANCED = "algorithmicallyEnhanced"


@dataclass(frozen=True)
class Mark:
    """What a file says of itself: how it came about, and the recipe if the artist left it in."""

    source_type: SourceType | None
    recipe: dict[str, Any] | None


def strongest(*source_types: SourceType | None) -> SourceType | None:
    """Which one stays true of a picture that was worked on several times; None where none is given."""
    return min((one for one in source_types if one is not None), key=list(SourceType).index, default=None)


def xmp_packet(source_type: SourceType | None, recipe: Mapping[str, Any] | None = None) -> bytes:
    """The XMP packet that carries a mark, a recipe or both, as UTF-8.

    The recipe must survive JSON, and is written as given: whoever builds it keeps paths and names of people
    and machines out.

    Raises:
        UsageError: the recipe is too long for the metadata of a JPEG file.
    """
    properties = ['xmp:CreatorTool="ganvas"']
    if source_type is not None:
        properties.append(f'Iptc4xmpExt:DigitalSourceType="{_VOCABULARY}{source_type}"')
    if recipe is not None:
        properties.append(f'ganvas:Recipe="{html.escape(json.dumps(dict(recipe)))}"')
    packet = _ENVELOPE.format(_DESCRIPTION.format("\n    ".join(properties))).encode()
    if len(packet) > MAX_WRITE_BYTES:
        raise UsageError(f"The recipe needs {len(packet):,} bytes of metadata, above {MAX_WRITE_BYTES:,}; shorten it.")
    return packet


def with_descriptions(packet: bytes | None, descriptions: bytes) -> bytes:
    """A packet of `xmp_packet`, or an empty one, with what `ganvas.image.xmp.kept_descriptions` leaves of another."""
    before, end, behind = (packet or _ENVELOPE.format("").encode()).rpartition(b" </rdf:RDF>")
    return before + descriptions + b"\n" + end + behind


def read_mark(data: bytes | BinaryIO, name: str) -> Mark | None:
    """Read mark and recipe back; None where the file has neither.

    The metadata are searched as bytes up to `MAX_READ_BYTES`, never parsed as XML, so no entity expands. A
    recipe that is not a JSON object counts as none.

    Raises:
        FileError: the file is no picture, or broken.
    """
    with reading(name):
        packet = _packet_in(data, name)[:MAX_READ_BYTES]
    mark = _MARK.search(packet)
    term = mark[1].decode() if mark else ""
    source_type = SourceType(term) if term in set(SourceType) else None
    recipe = _recipe_in(packet)
    return None if source_type is None and recipe is None else Mark(source_type, recipe)


def _packet_in(data: bytes | BinaryIO, name: str) -> bytes:
    image = open_picture(data, name)
    if isinstance(image, PngImageFile):  # Pillow stops at the pixels; some editors write XMP behind them
        assert image.fp is not None
        return find_chunk(image.fp, b"iTXt", PNG_KEYWORD.encode() + b"\0") or b""
    packet = image.info.get("xmp", b"")
    return packet if isinstance(packet, bytes) else b""


def _recipe_in(packet: bytes) -> dict[str, Any] | None:
    found = _RECIPE.search(packet)
    if found is None:
        return None
    try:
        recipe = json.loads(html.unescape((found[1] or found[2]).decode()))
    except (ValueError, RecursionError):
        return None
    return recipe if isinstance(recipe, dict) else None


_ENVELOPE = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
{} </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
_DESCRIPTION = """  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:ganvas="urn:ganvas:1.0/"
    {}/>
"""
