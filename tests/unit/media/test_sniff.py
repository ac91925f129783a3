"""What a file is by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.media import MEDIA_TYPES
from syncd.errors import HostileInput
from syncd.media.sniff import extension_matches, require_media, sniff


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (b"\x00\x00\x00\x1cftypavif", "avif"),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", "avif"),
        (b"\x00\x00\x00\x18ftypheic", "heif"),
        (b"\x00\x00\x00\x18ftypmp42", "mp4"),
        (b"\x00\x00\x00\x18ftypNDSC\x00\x00\x00\x00isommp42", "mp4"),
        (b"\x00\x00\x00\x14ftypqt  ", "mov"),
        (b"\x1aE\xdf\xa3\x01\x42\x82webm", "webm"),
        (b"\x1aE\xdf\xa3\x01\x42\x82matroska", "matroska"),
        (b"II*\x00", "tiff"),
        (b"GIF89a", "gif"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "eps"),
        (b"%!PS-Adobe-3.0", "postscript"),
        (b"\n\n  %PDF-1.7", "pdf"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><svg>", "svg"),
        ("\ufeff<svg>".encode("utf-16-le"), "svg"),
        (b"<!-- c --><!DOCTYPE html>", "html"),
        (b"<?php system('id');", "script"),
        (b"#!/bin/sh", "script"),
        (b"MZ\x90\x00", "executable"),
        (b"PK\x03\x04", "archive"),
        (b"#EXTM3U\n", "playlist"),
        (b"ffconcat version 1.0", "playlist"),
        (b"hello", None),
    ],
)
def test_formats_are_known_by_their_first_bytes(head: bytes, format: str | None) -> None:
    assert sniff(head) == format


@given(st.binary(max_size=200))
def test_any_bytes_give_a_format_or_a_named_refusal(head: bytes) -> None:
    try:
        outcome = require_media(head, "It")
    except HostileInput as error:
        outcome = error.reason
    assert outcome in (*MEDIA_TYPES, "empty", "unknown-format") or outcome.endswith("-refused")


@pytest.mark.parametrize(
    ("name", "format", "matches"),
    [
        ("a.JPG", "jpeg", True),
        ("a.png", "jpeg", False),
        ("IMG_1.mov", "mp4", True),
        ("a.heic", "heif", True),
        ("noextension", "png", True),
        (".jpg", "png", True),
    ],
)
def test_names_are_compared_with_formats(name: str, format: str, matches: bool) -> None:
    assert extension_matches(name, format) is matches
