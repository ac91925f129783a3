from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from syncd.config import nodes, problems, secrets
from syncd.config.bundle import Bundle
from tests.support.house import HOUSE, house

TEXT = "options:\n  key: ${KEY}\n  keys: ['${NEW}', '${OLD}']\n  url: https://${USER_NAME}@x/$${KEY}\n"


def resolved(text: str, providers: list[secrets.Provider]) -> secrets.Resolved:
    return secrets.Secrets(providers).resolve(nodes.parse(text, "connectors/a.yaml"))


def test_references_are_replaced_wherever_they_stand() -> None:
    environment = secrets.Environment({"KEY": "k", "NEW": "n", "OLD": "o", "USER_NAME": "u"})
    assert resolved(TEXT, [environment]).options == {"key": "k", "keys": ["n", "o"], "url": "https://u@x/${KEY}"}


def test_the_first_place_that_has_it_wins(tmp_path: Path) -> None:
    (tmp_path / "KEY").write_text("from file\n")
    (tmp_path / "old").write_text("small letters\r\n")
    places: list[secrets.Provider] = [secrets.Environment({"KEY": "from env", "NEW": ""}), secrets.Directory(tmp_path)]
    found = secrets.Secrets(places)
    values = [secret.get_secret_value() if (secret := found.get(name)) else None for name in ("KEY", "OLD", "NEW")]
    assert values == ["from env", "small letters", None]


def test_every_missing_secret_is_told_with_every_place_that_was_tried(tmp_path: Path) -> None:
    with pytest.raises(problems.InvalidFiles) as refused:
        resolved(TEXT, [secrets.Environment({"KEY": "k", "OLD": "o"}), secrets.Directory(tmp_path)])
    assert [str(problem) for problem in refused.value.problems] == [
        f"connectors/a.yaml:3:10: ${{NEW}} has no value, looked at the environment variable NEW, "
        f"then the file {tmp_path}/NEW, set one of them",
        f"connectors/a.yaml:4:8: ${{USER_NAME}} has no value, looked at the environment variable USER_NAME, "
        f"then the file {tmp_path}/USER_NAME, set one of them",
    ]


def test_no_secret_is_shown_by_accident() -> None:
    environment = secrets.Environment({"KEY": "hunter2"})
    shown = repr((environment, secrets.Secrets([environment]).get("KEY"), resolved("options: {a: '${KEY}'}",
                                                                                   [environment])))  # fmt: skip
    assert "hunter2" not in shown


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: SecretStr
    pages: int


def test_options_are_built_with_their_secrets() -> None:
    bundle = Bundle.from_files(house())
    options = bundle.options("shop-us", Options, secrets.Secrets([secrets.Environment({"SHOP_KEY": "hunter2"})]))
    assert (options.key.get_secret_value(), options.pages) == ("hunter2", 3)
    assert "hunter2" not in repr(bundle)


class Numbers(BaseModel):
    key: int
    pages: bool


def test_faults_of_options_have_a_place_and_no_secret() -> None:
    bundle = Bundle.from_files(house())
    with pytest.raises(problems.InvalidFiles) as refused:
        bundle.options("shop-us", Numbers, secrets.Secrets([secrets.Environment({"SHOP_KEY": "hunter2"})]))
    first, second = (str(problem) for problem in refused.value.problems)
    assert first.startswith("connectors/shop-us.yaml:7:8: `key` is not right")
    assert second.startswith("connectors/shop-us.yaml:8:10: `pages` is not right")
    assert "hunter2" not in str(refused.value)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: int


class Signed(BaseModel):
    scheme: Literal["signed"]
    keys: tuple[str, ...]

    @field_validator("keys")
    @classmethod
    def _are_long(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < 32 for key in keys):
            raise ValueError("a key has at least 32 characters")
        return keys


class Plain(BaseModel):
    scheme: Literal["plain"]


class Hook(BaseModel):
    auth: Signed | Plain = Field(discriminator="scheme")
    size: int = 1


def test_what_depends_on_a_reference_is_judged_when_it_is_known() -> None:
    text = HOUSE["connectors/shop-us.yaml"].split("options:")[0]
    auth = "options:\n  auth: {scheme: signed, keys: [%s]}\n  size: %s\n"
    checked = [
        [
            fault.what
            for fault in Bundle.from_files(house(connectors__shop_us_yaml=text + auth % options)).check_options(
                "shop-us", Hook
            )
        ]
        for options in (("'${KEY}'", "2"), ("'${KEY}'", "two"), ("short", "2"))
    ]
    assert checked == [[], ["`size` is not right"], ["`keys` is not right"]]


def test_options_are_checked_before_their_secrets_are_known() -> None:
    bundle = Bundle.from_files(house())
    assert bundle.check_options("shop-us", Options) == []
    (fault,) = bundle.check_options("shop-us", Strict)
    assert str(fault) == "connectors/shop-us.yaml:8:3: `pages` is not a key here, known are key, remove it"
