"""Statements that amend leave what they do not say; all others replace what was said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.delivery import DeliveredFile, Delivery

FILE = DeliveredFile(key="a", name="a.jpg", reference="1")
WORDS = st.sampled_from(["", "x", "y"])
STATED = st.fixed_dictionaries(
    {},
    optional={
        "title": WORDS, "brief": WORDS, "terms": WORDS, "people_shown": st.booleans(), "withdrawn": st.booleans(),
        "skus": st.lists(WORDS, max_size=2).map(tuple), "fields": st.dictionaries(WORDS, WORDS, max_size=2),
        "reference": WORDS, "files": st.just((FILE,)),
    },
)  # fmt: skip


@given(STATED, STATED)
def test_what_does_not_amend_replaces_everything(earlier: dict[str, object], later: dict[str, object]):
    one, other = Delivery(external_id="s", **earlier), Delivery(external_id="s", **later)
    assert other.after(one) == other


@given(STATED, STATED)
def test_what_amends_leaves_what_it_does_not_say(earlier: dict[str, object], later: dict[str, object]):
    one = Delivery(external_id="s", sequence=1, **earlier)
    both = Delivery(external_id="s", sequence=2, amends=True, **later).after(one)
    for name in Delivery.model_fields:
        if name in ("external_id", "sequence", "amends", "fields", "files"):
            continue
        assert getattr(both, name) == later.get(name, getattr(one, name))
    assert both.sequence == 2
    assert both.files == later.get("files", ())
    assert both.fields == {**one.fields, **later.get("fields", {})}  # type: ignore[dict-item]
    assert not both.amends
