"""Rules of a redirect that need no server."""

from __future__ import annotations

import pytest
from yarl import URL

from syncd.errors import HostileInput
from syncd.media import fetch


def test_a_redirect_never_leaves_https() -> None:
    with pytest.raises(HostileInput) as caught:
        fetch._redirect(URL("https://cdn.example/a"), "http://cdn.example/b")
    assert caught.value.reason == "downgrade"
    assert fetch._redirect(URL("http://cdn.example/a"), "https://cdn.example/b").scheme == "https"
    assert str(fetch._redirect(URL("https://cdn.example/a/b"), "../c")) == "https://cdn.example/c"
