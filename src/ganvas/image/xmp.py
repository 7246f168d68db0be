"""XMP (ISO 16684-1) that other programs wrote into a photograph, as far as it may travel on.

Unlike the few words that `ganvas.image.provenance` looks for, these are taken apart as XML: only so can properties be
chosen by their names. A document type, where entities would be declared, is refused, and so is what is too long.
"""

from xml.dom import XML_NAMESPACE, XMLNS_NAMESPACE
from xml.dom.minidom import Attr, Element, parseString
from xml.parsers.expat import ExpatError

MAX_READ_BYTES = 1 << 18
MAX_KEPT_BYTES = 60_000
"""JPEG has room for 65,502 bytes of XMP, and our own words must go beside these."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP, _RIGHTS = "http://ns.adobe.com/xap/1.0/", "http://ns.adobe.com/xap/1.0/rights/"
_DC, _PHOTOSHOP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/photoshop/1.0/"
_TIFF, _EXIF = "http://ns.adobe.com/tiff/1.0/", "http://ns.adobe.com/exif/1.0/"

_OF_THE_PICTURE = {
    _DC: {"title", "description", "subject", "creator", "rights"},
    _RIGHTS: {"Marked", "UsageTerms", "WebStatement"},
}
_OF_THE_OLD_FILE = {
    _TIFF: {
        "Orientation", "ImageWidth", "ImageLength", "BitsPerSample", "Compression", "PhotometricInterpretation",
        "SamplesPerPixel", "PlanarConfiguration", "YCbCrSubSampling", "YCbCrPositioning", "YCbCrCoefficients",
        "XResolution", "YResolution", "ResolutionUnit", "TransferFunction", "WhitePoint", "PrimaryChromaticities",
        "ReferenceBlackWhite", "NativeDigest",
    },
    _EXIF: {"PixelXDimension", "PixelYDimension", "ComponentsConfiguration", "CompressedBitsPerPixel", "NativeDigest"},
    _XMP: {"CreatorTool", "Thumbnails"},
    _DC: {"format"},
    _PHOTOSHOP: {"ColorMode", "ICCProfile"},
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": {"DigitalSourceType"},
}  # fmt: skip
_NOT_OF_THE_PICTURE = (
    "urn:ganvas:",
    "http://ns.adobe.com/xmp/note/",
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.google.com/photos/",
)
"""Beginnings of the namespaces of what we say anew, and of what points to data behind the pixels or counts those."""
_REGIONS = ("http://www.metadataworkinggroup.com/schemas/regions/", "http://ns.microsoft.com/photo/1.2/")


def kept_descriptions(packet: bytes, *, private: bool, turned: bool) -> bytes | None:
    """The ``rdf:Description`` elements of a packet that may travel on with the picture; None where nothing may.

    As with EXIF (`ganvas.image.exif.kept`), what describes the old file goes in any case. Unless `private` is to be
    kept, all goes but title, caption, keywords, author and rights. Each element declares the prefixes it needs.

    Args:
        packet: UTF-8, as it stands in the file.
        private: Keep everything else, too.
        turned: The picture was turned upright, so that regions (of faces) lie elsewhere now.

    Raises:
        ValueError: It is no XML, has a document type, or more than `MAX_READ_BYTES` or, of what stays,
            `MAX_KEPT_BYTES`.
    """
    root = _root(packet)
    outer = [root] if root.namespaceURI == _RDF else [root, *_inside(root, "RDF")][:2]
    prefixes = {each.name: each.value for element in outer for each in _attributes(element) if _declares(each)}
    kept: list[bytes] = []
    for description in _inside(outer[-1], "Description"):
        if not _reduced(description, private, turned):
            continue
        for name, value in prefixes.items():
            if not description.hasAttribute(name):
                description.setAttribute(name, value)
        try:
            kept.append(description.toxml().encode())
        except RecursionError as error:
            raise ValueError("it is nested too deep") from error
        if sum(map(len, kept)) > MAX_KEPT_BYTES:
            raise ValueError(f"more than {MAX_KEPT_BYTES:,} bytes of it would stay")
    return b"\n".join(kept) or None


def _root(packet: bytes) -> Element:
    if len(packet) > MAX_READ_BYTES:
        raise ValueError(f"it has more than {MAX_READ_BYTES:,} bytes")
    try:
        text = packet[packet.find(b"<") :].rstrip(b"\0 \t\r\n").decode()
        if "<!DOCTYPE" in text:
            raise ValueError("it has a document type")
        root = parseString(text).documentElement  # noqa: S318 - without a document type there are no entities
    except (UnicodeDecodeError, ExpatError) as error:
        raise ValueError(f"it is damaged ({error})") from error
    assert root is not None
    return root


def _reduced(description: Element, private: bool, turned: bool) -> bool:
    """Take out what goes; whether anything is left."""
    left = False
    for attribute in _attributes(description):
        if _stays(attribute, private, turned):
            left = True
        elif not _declares(attribute):
            description.removeAttributeNode(attribute)
    for child in list(description.childNodes):
        if isinstance(child, Element) and _stays(child, private, turned):
            left = True
        else:
            description.removeChild(child)
    description.setAttribute(description.tagName.replace("Description", "about"), "")  # the same picture as our own's
    return left


def _stays(node: Element | Attr, private: bool, turned: bool) -> bool:
    space, name = node.namespaceURI or "", node.localName
    if not private:
        return name in _OF_THE_PICTURE.get(space, ())
    if not space or space in (_RDF, XML_NAMESPACE, XMLNS_NAMESPACE) or space.startswith(_NOT_OF_THE_PICTURE):
        return False
    return name not in _OF_THE_OLD_FILE.get(space, ()) and not (turned and space in _REGIONS)


def _declares(attribute: Attr) -> bool:
    return attribute.namespaceURI == XMLNS_NAMESPACE


def _attributes(element: Element) -> list[Attr]:
    return list(element.attributes.values())


def _inside(element: Element, name: str) -> list[Element]:
    """The children of a name in the namespace of RDF."""
    found = [child for child in element.childNodes if isinstance(child, Element)]
    return [child for child in found if child.namespaceURI == _RDF and child.localName == name]
