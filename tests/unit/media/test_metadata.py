"""Rights metadata written and read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.media import RightsMetadata
from syncd.errors import HostileInput
from syncd.media.metadata import rights_of_xmp, xmp_packet

TEXT = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=80)
MAYBE = st.none() | TEXT
RIGHTS = st.builds(
    RightsMetadata,
    creator=st.lists(TEXT, max_size=4).map(tuple),
    credit=MAYBE,
    copyright=MAYBE,
    usage_terms=MAYBE,
    web_statement=MAYBE,
    digital_source_type=MAYBE,
)


@given(RIGHTS)
def test_what_is_written_is_read_back(rights: RightsMetadata) -> None:
    packet = xmp_packet(rights)
    assert packet == xmp_packet(rights)
    assert rights_of_xmp(packet, xmp_bytes=512_000) == rights


@given(RIGHTS, RIGHTS)
def test_filling_keeps_what_is_there(mine: RightsMetadata, other: RightsMetadata) -> None:
    filled = mine.filled_from(other)
    for field in RightsMetadata.model_fields:
        assert getattr(filled, field) == (getattr(mine, field) or getattr(other, field))


@given(st.binary(max_size=300))
def test_any_bytes_are_no_rights_or_a_named_refusal(packet: bytes) -> None:
    reason = None
    try:
        rights_of_xmp(packet, xmp_bytes=200)
    except HostileInput as error:
        reason = error.reason
    assert reason in (None, "metadata-limit", "xml-entities")


def test_properties_written_as_attributes_are_read() -> None:
    packet = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Credit="Studio One"/>
    </rdf:RDF></x:xmpmeta>"""
    assert rights_of_xmp(packet, xmp_bytes=10_000).credit == "Studio One"


def test_entities_are_refused_before_they_grow() -> None:
    with pytest.raises(HostileInput) as caught:
        rights_of_xmp(b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>', xmp_bytes=10_000)
    assert caught.value.reason == "xml-entities"
