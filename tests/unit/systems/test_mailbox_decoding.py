"""Transfer encodings and names: what was sent comes out, however it was cut."""

from __future__ import annotations

import base64
import quopri
from email.utils import encode_rfc2231
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.errors import RejectedError
from syncd.systems.mailbox import decoding
from syncd.systems.mailbox.decoding import decoded_size, decoder
from syncd.systems.mailbox.files import file_name

CUTS = st.lists(st.integers(0, 400), max_size=8)


def in_pieces(data: bytes, cuts: list[int], encoding: str) -> bytes:
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    undo = decoder(encoding)
    return b"".join(undo.feed(data[a:b]) for a, b in pairwise(places)) + undo.end()


@given(st.binary(max_size=300), CUTS)
def test_base64_comes_out_as_it_went_in(content: bytes, cuts: list[int]):
    assert in_pieces(base64.encodebytes(content).replace(b"\n", b"\r\n"), cuts, "BASE64") == content


@given(st.lists(st.binary(max_size=50), max_size=4), CUTS)
def test_runs_of_base64_that_are_padded_each_come_out_one_after_the_other(runs: list[bytes], cuts: list[int]):
    assert in_pieces(b"".join(map(base64.b64encode, runs)), cuts, "base64") == b"".join(runs)


@given(st.binary(max_size=300), CUTS)
def test_quoted_printable_comes_out_as_it_went_in(content: bytes, cuts: list[int]):
    encoded = quopri.encodestring(content.replace(b"\r", b""))
    assert in_pieces(encoded, cuts, "quoted-printable") == content.replace(b"\r", b"")


@given(st.binary(max_size=300), CUTS, st.sampled_from(["", "7bit", "8bit", "binary"]))
def test_what_is_not_encoded_stays(content: bytes, cuts: list[int], encoding: str):
    assert in_pieces(content, cuts, encoding) == content


@given(st.binary(max_size=300), CUTS, st.sampled_from(["base64", "quoted-printable"]))
def test_nothing_that_is_sent_breaks_a_decoder(noise: bytes, cuts: list[int], encoding: str):
    assert len(in_pieces(noise, cuts, encoding)) <= len(noise)


@given(st.integers(0, 100_000))
def test_the_size_of_an_attachment_is_known_before_it_is_fetched(size: int):
    transferred = len(base64.encodebytes(b"x" * size).replace(b"\n", b"\r\n"))
    assert abs(decoded_size(transferred, "base64") - size) <= 3
    assert decoded_size(size, "8bit") == size


def test_an_encoding_mail_does_not_have_is_refused():
    with pytest.raises(RejectedError, match="x-uuencode"):
        decoder("x-uuencode")


NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1, max_size=60
)


@given(NAMES)
def test_a_parameter_in_percent_encoding_is_read_as_written(name: str):
    assert decoding.parameter({"filename*": encode_rfc2231(name, "utf-8")}, "filename") == name


@given(NAMES, st.integers(1, 20))
def test_a_continued_parameter_is_put_together_in_its_order(name: str, length: int):
    whole = encode_rfc2231(name, "utf-8")
    head, rest = whole[:7], whole[7:]
    escapes = [rest[i : i + 3] if rest[i] == "%" else rest[i] for i in _steps(rest)]
    pieces = ["".join(escapes[i : i + length]) for i in range(0, len(escapes), length)]
    given_ = {f"filename*{place}*": piece for place, piece in enumerate([head + pieces[0], *pieces[1:]])}
    assert decoding.parameter(dict(sorted(given_.items(), reverse=True)), "filename") == name


def _steps(text: str) -> list[int]:
    places, place = [], 0
    while place < len(text):
        places.append(place)
        place += 3 if text[place] == "%" else 1
    return places


@given(NAMES)
def test_an_encoded_word_is_read_as_written(name: str):
    word = f"=?utf-8?b?{base64.b64encode(name.encode()).decode()}?="
    assert decoding.parameter({"filename": word}, "filename") == name


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"filename": "beach.jpg"}, "beach.jpg"),
        ({"filename*": "iso-8859-1'de'Gr%F6%DFe.jpg"}, "Größe.jpg"),
        ({"filename*0": "long na", "filename*1": "me.jpg"}, "long name.jpg"),
        ({"filename": "=?utf-8?Q?Gr=C3=B6=C3=9Fe?= =?utf-8?Q?=2Ejpg?="}, "Größe.jpg"),
        ({"filename": "=?nonsense?Q?a=20b?="}, "a b"),
        ({"filename*": "nonsense'x'%ff"}, "ÿ"),
        ({}, ""),
    ],
)
def test_names_as_programs_write_them(said: dict[str, str], name: str):
    assert decoding.parameter(said, "filename") == name


@given(st.text(max_size=400))
def test_a_file_name_is_always_harmless(said: str):
    name = file_name(said, "file")
    assert name
    assert not set(name) & set("/\\\0\n\r")
    assert name not in (".", "..")
    assert len(name) <= 200
    name.encode()


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\mia\\a.jpg", "a.jpg"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("..", "file"),
        ("x" * 300 + ".jpg", "x" * 180 + ".jpg"),
    ],
)
def test_names_that_mean_harm(said: str, name: str):
    assert file_name(said, "file") == name
