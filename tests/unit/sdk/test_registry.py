from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from syncd.errors import ConfigError
from syncd.sdk.registry import Registry

GOOD = """
from __future__ import annotations
from syncd.sdk.roles import Role
from syncd.sdk.system import Options, System
from pydantic import Field

class ShopOptions(Options):
    shop: str = Field(description="The shop.")

class Shop(System):
    name = "NAME"
    sdk = 1
    roles = frozenset({Role.CHANNEL})
    options = ShopOptions
    def __init__(self, context, options, role): ...
    async def observe(self, listings): ...
    async def apply(self, batch): ...
    async def check_gone(self, media): ...
    async def check(self): ...
"""


def write(root: Path, name: str, text: str) -> None:
    (root / "connectors").mkdir(exist_ok=True)
    (root / "connectors" / name).write_text(text)


def test_the_shipped_systems_are_found(tmp_path: Path):
    registry = Registry.discover(tmp_path)
    assert {"folder", "webhook", "mailbox", "table", "feed"} <= set(registry.systems)
    assert registry.problems == ()


def test_one_python_file_beside_the_connections_is_a_system(tmp_path: Path):
    write(tmp_path, "shop.py", GOOD.replace("NAME", "my-shop"))
    registry = Registry.discover(tmp_path)
    assert registry.get("my-shop").options.model_validate({"shop": "x"}).shop == "x"
    assert registry.schemas()["my-shop"]["properties"]["shop"]["description"] == "The shop."


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1/0", "ZeroDivisionError"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import does_not_exist", "ModuleNotFoundError"),
        ("x = 1", "defines no system"),
        (GOOD.replace("sdk = 1", "sdk = 2"), "SDK 2"),
        (GOOD.replace("NAME", "feed"), "as syncd.systems.feed does"),
        (GOOD.replace("NAME", "Big Name"), "no name"),
        (GOOD.replace("async def apply", "async def applied"), "lacks apply"),
        (GOOD.replace("async def check", "async def checked"), "lacks check"),
        (GOOD.replace("class Shop(System)", "class Shop"), "does not derive"),
        (GOOD.replace("options = ShopOptions", "options = dict"), "no options"),
        (GOOD.replace("{Role.CHANNEL}", "set()"), "names no role"),
    ],
)
def test_a_system_that_cannot_be_loaded_is_named_and_the_others_work(tmp_path: Path, text: str, says: str):
    write(tmp_path, "a_broken.py", text.replace("NAME", "broken"))
    write(tmp_path, "b_good.py", GOOD.replace("NAME", "good"))
    registry = Registry.discover(tmp_path)
    (problem,) = registry.problems
    assert "a_broken.py" in problem.what
    assert says in problem.what
    assert "good" in registry.systems
    with pytest.raises(ConfigError, match="a_broken"):
        registry.get("broken")


def test_an_installed_package_outside_the_tree_is_found_by_its_entry_point(tmp_path: Path, monkeypatch):
    (tmp_path / "acme_shop.py").write_text(GOOD.replace("NAME", "acme-shop"))
    info = tmp_path / "acme_shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-shop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[syncd.systems]\nshop = acme_shop:Shop\ngone = acme_shop:Nothing\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    registry = Registry.discover(tmp_path / "root")
    sys.modules.pop("acme_shop", None)
    assert "acme-shop" in registry.systems
    (problem,) = registry.problems
    assert "acme-shop (acme_shop:Nothing)" in problem.what
