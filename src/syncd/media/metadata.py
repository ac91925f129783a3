"""Rights and provenance in a picture's metadata: read from XMP, IPTC and EXIF, written as one small XMP packet.

Names are those of the IPTC Photo Metadata Standard 2023.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from syncd import errors
from syncd.domain.media import RightsMetadata

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
_PROPERTIES = {
    "creator": "dc:creator",
    "credit": "photoshop:Credit",
    "copyright": "dc:rights",
    "usage_terms": "xmpRights:UsageTerms",
    "web_statement": "xmpRights:WebStatement",
    "digital_source_type": "Iptc4xmpExt:DigitalSourceType",
}
_IPTC = {"creator": (2, 80), "credit": (2, 110), "copyright": (2, 116)}
_LONGEST = 2000  # characters of one text
_CREATORS = 20


def read_rights(image: Image.Image, exif: Image.Exif, *, xmp_bytes: int) -> RightsMetadata:
    """What a decoded picture says of its rights: XMP first, then IPTC, then EXIF.

    Raises:
        HostileInput: reasons `metadata-limit` (XMP larger than `xmp_bytes`), `xml-entities`.
    """
    rights = rights_of_xmp(raw_xmp(image), xmp_bytes=xmp_bytes)
    for other in (_of_iptc(image), _of_exif(exif)):
        rights = rights.filled_from(other)
    return rights


def raw_xmp(image: Image.Image) -> bytes:
    """The XMP packet of a picture, empty if it has none."""
    found: Any = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if not found and image.format == "TIFF":
        found = getattr(image, "tag_v2", {}).get(ExifTags.Base.XMLPacket, b"")
    return found.encode() if isinstance(found, str) else bytes(found)


def rights_of_xmp(packet: bytes, *, xmp_bytes: int) -> RightsMetadata:
    """The rights in an XMP packet; a packet that is no well-formed XML says nothing.

    Raises:
        HostileInput: reasons `metadata-limit`, `xml-entities` (a document type or entities, which XMP never has).
    """
    if len(packet) > xmp_bytes:
        what = f"The XMP packet has {len(packet)} bytes."
        raise errors.HostileInput("metadata-limit", what, measured=f"{len(packet)} bytes", limit=f"{xmp_bytes} bytes")
    try:
        root = fromstring(packet.strip(b"\x00 \r\n\t"), forbid_dtd=True) if packet else None
    except DefusedXmlException as error:
        raise errors.HostileInput("xml-entities", "The XMP packet declares a document type or entities.") from error
    except (ParseError, ValueError):
        return RightsMetadata()
    if root is None:
        return RightsMetadata()
    found = {field: list(_values(root, _qualified(name))) for field, name in _PROPERTIES.items()}
    return _model(found)


def _qualified(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _values(root: Element, name: str) -> Iterator[str]:
    """A property's values, written as an attribute, an element, or an array or alternative inside one."""
    for description in root.iter(f"{_RDF}Description"):
        if text := description.get(name):
            yield text
        for element in description.findall(name):
            items = list(element.iter(f"{_RDF}li"))
            texts = [item.text for item in items] or [element.text, element.get(f"{_RDF}resource")]
            yield from (text for text in texts if text and text.strip())


def _of_iptc(image: Image.Image) -> RightsMetadata:
    if not isinstance(image, ImageFile.ImageFile):
        return RightsMetadata()
    try:
        block = IptcImagePlugin.getiptcinfo(image) or {}
    except Exception:  # any parse error of a block that nothing depends on
        return RightsMetadata()
    found: dict[str, list[str]] = {}
    for field, key in _IPTC.items():
        values = block.get(key, [])
        found[field] = [_decoded(each) for each in (values if isinstance(values, list) else [values])]
    return _model(found)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _of_exif(exif: Image.Exif) -> RightsMetadata:
    artist, notice = exif.get(ExifTags.Base.Artist), exif.get(ExifTags.Base.Copyright)
    texts = {"creator": artist, "copyright": notice}
    return _model({field: [text] for field, text in texts.items() if isinstance(text, str)})


def _model(found: dict[str, list[str]]) -> RightsMetadata:
    clean = {field: [text for text in map(_clean, texts) if text] for field, texts in found.items()}
    creators = tuple(clean.pop("creator", [])[:_CREATORS])
    return RightsMetadata(creator=creators, **{field: texts[0] for field, texts in clean.items() if texts})


def _clean(text: str) -> str:
    """Only what XML 1.0 can carry, without padding, cut to a sane length."""
    return "".join(each for each in text if each.isprintable() or each in "\n\t").strip()[:_LONGEST]


def has_position(exif: Image.Exif) -> bool:
    """Whether EXIF tells where the picture was taken."""
    try:
        return bool(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except Exception:  # a broken directory holds no position
        return False


def captured_at(exif: Image.Exif) -> datetime | None:
    """When the picture was taken, or None unless EXIF also says the offset from UTC."""
    try:
        block = exif.get_ifd(ExifTags.IFD.Exif)
        text = f"{block[ExifTags.Base.DateTimeOriginal]} {block[ExifTags.Base.OffsetTimeOriginal]}"
        return datetime.strptime(text.replace("\x00", ""), "%Y:%m:%d %H:%M:%S %z")
    except Exception:  # absent, or written in one of many wrong ways
        return None


def xmp_packet(rights: RightsMetadata) -> bytes:
    """An XMP packet with these rights; the same rights give the same bytes. Empty for no rights."""
    if rights.empty:
        return b""
    spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in _NAMESPACES.items())
    body = "".join(_element(field, name, rights) for field, name in _PROPERTIES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about=""{spaces}>{body}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def _element(field: str, name: str, rights: RightsMetadata) -> str:
    value = getattr(rights, field)
    if not value:
        return ""
    if field == "creator":
        items = "".join(f"<rdf:li>{escape(_clean(each))}</rdf:li>" for each in value)
        return f"<{name}><rdf:Seq>{items}</rdf:Seq></{name}>"
    if field in ("copyright", "usage_terms"):
        text = f'<rdf:li xml:lang="x-default">{escape(_clean(value))}</rdf:li>'
        return f"<{name}><rdf:Alt>{text}</rdf:Alt></{name}>"
    return f"<{name}>{escape(_clean(value))}</{name}>"
