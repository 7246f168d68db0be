"""What stays of other programs' XMP."""

from xml.dom.minidom import Element, parseString

import pytest

from ganvas.image.provenance import SourceType, with_descriptions, xmp_packet
from ganvas.image.xmp import MAX_KEPT_BYTES, MAX_READ_BYTES, kept_descriptions

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC, XMP = "http://purl.org/dc/elements/1.1/", "http://ns.adobe.com/xap/1.0/"
PHOTOSHOP, TIFF = "http://ns.adobe.com/photoshop/1.0/", "http://ns.adobe.com/tiff/1.0/"
REGIONS = "http://www.metadataworkinggroup.com/schemas/regions/"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
PACKET = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:photoshop="{PHOTOSHOP}">
 <rdf:RDF xmlns:rdf="{RDF}" xmlns:dc="{DC}">
  <rdf:Description rdf:about="uuid:7" xmlns:xmp="{XMP}" xmlns:tiff="{TIFF}" xmlns:iptc="{IPTC}"
    xmp:CreatorTool="Editor" xmp:Rating="5" tiff:Orientation="6" tiff:Artist="Ann"
    iptc:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/negativeFilm">
   <dc:description>
    <rdf:Alt><rdf:li xml:lang="x-default">Oma &amp; ich &lt;1931&gt; ü</rdf:li></rdf:Alt>
   </dc:description>
   <dc:format>image/jpeg</dc:format>
  </rdf:Description>
  <rdf:Description rdf:about="uuid:7" xmlns:mwg="{REGIONS}" photoshop:City="Bonn" mwg:Regions="a face"/>
 </rdf:RDF>
</x:xmpmeta>
{" " * 2048}
<?xpacket end="w"?>\0""".encode()


def properties(packet: bytes) -> dict[tuple[str | None, str | None], str]:
    """Namespace, name and text of all that the Descriptions of a packet say."""
    root = parseString(packet)
    found: dict[tuple[str | None, str | None], str] = {}
    for description in root.getElementsByTagNameNS(RDF, "Description"):
        assert description.getAttributeNS(RDF, "about") == ""
        for attribute in description.attributes.values():
            if attribute.namespaceURI != "http://www.w3.org/2000/xmlns/" and attribute.localName != "about":
                found[attribute.namespaceURI, attribute.localName] = attribute.value
        for child in description.childNodes:
            if isinstance(child, Element):
                (line,) = [*child.getElementsByTagNameNS(RDF, "li"), child][:1]
                found[child.namespaceURI, child.localName] = line.firstChild.data  # type: ignore[union-attr]
    return found


def kept(packet: bytes = PACKET, *, private: bool = False, turned: bool = False) -> bytes:
    """A packet that holds what stays and nothing else."""
    return with_descriptions(None, kept_descriptions(packet, private=private, turned=turned) or b"")


def test_the_caption_stays_and_all_else_where_it_is_wanted() -> None:
    caption = {(DC, "description"): "Oma & ich <1931> ü"}
    assert properties(kept()) == caption
    rest = {(XMP, "Rating"): "5", (TIFF, "Artist"): "Ann", (PHOTOSHOP, "City"): "Bonn"}
    assert properties(kept(private=True, turned=True)) == {**caption, **rest}
    assert properties(kept(private=True)) == {**caption, **rest, (REGIONS, "Regions"): "a face"}


@pytest.mark.parametrize("private", [False, True])
def test_once_more_is_the_same(private: bool) -> None:
    once = kept_descriptions(PACKET, private=private, turned=False)
    assert once is not None
    ours = with_descriptions(xmp_packet(SourceType.ENHANCED, {"a": 1}), once)
    assert (IPTC, "DigitalSourceType") in properties(ours)
    assert properties(kept(ours, private=private)) == properties(with_descriptions(None, once))


def test_nothing_stays_of_what_is_ours() -> None:
    assert kept_descriptions(xmp_packet(SourceType.ENHANCED, {"a": 1}), private=True, turned=False) is None
    assert kept_descriptions(b"<a/>", private=True, turned=False) is None


HEAD = f'<rdf:RDF xmlns:rdf="{RDF}" xmlns:dc="{DC}"><rdf:Description><dc:title>'.encode()
TAIL = b"</dc:title></rdf:Description></rdf:RDF>"


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (b'<!DOCTYPE a [<!ENTITY e "x">]>' + HEAD + b"&e;" + TAIL, "document type"),
        (HEAD + b"&e;" + TAIL, "damaged .*undefined entity"),
        (PACKET.decode().encode("utf-16"), "damaged"),
        (PACKET[:900], "damaged"),
        (HEAD + b"\xe9" + TAIL, "damaged .*utf-8"),
        (HEAD + b"<a>" * 9_000 + b"</a>" * 9_000 + TAIL, "nested too deep"),
        (HEAD + b"x" * MAX_KEPT_BYTES + TAIL, "60,000 bytes of it would stay"),
        (HEAD + b" " * MAX_READ_BYTES + TAIL, "more than 262,144 bytes"),
        (b"", "damaged"),
    ],
)
def test_hostile_packets_are_refused(packet: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        kept_descriptions(packet, private=False, turned=False)


def test_few_words_with_many_prefixes_stay_few() -> None:
    prefixes = " ".join(f'xmlns:p{number}="u{number}"' for number in range(1_000)).encode()
    packet = (
        b"<x " + prefixes + b">" + HEAD + TAIL.replace(b"</rdf:RDF>", b"") + b"<rdf:Description dc:title='a'/>" * 999
    )
    with pytest.raises(ValueError, match="would stay"):
        kept_descriptions(packet + b"</rdf:RDF></x>", private=False, turned=False)
