from __future__ import annotations

import pytest

from syncd.mapping import names, records


@pytest.mark.parametrize("filled", [False, True])
def test_samples_are_valid_subjects(filled: bool) -> None:
    sample = records.sample(filled=filled)
    assert records.Subject.model_validate(sample).model_dump(mode="json") == sample


def test_an_empty_subject_is_the_empty_sample() -> None:
    assert records.Subject().model_dump(mode="json") == records.sample(filled=False)


@pytest.mark.parametrize(("path", "wrong"), [
    ("brief.skus", ""), ("file.name", ""), ("submission.fields.product", ""),
    ("brief.sku", "there is no fact `brief.sku`"), ("breif.skus", "there is no fact `breif.skus`"),
    ("image.width", "`image.width` is no text"), ("submission.fields", "`submission.fields` is no text"),
])  # fmt: skip
def test_paths_that_can_be_copied(path: str, wrong: str) -> None:
    told = names.check_path(path)
    assert (told[0] if told else "") == wrong
