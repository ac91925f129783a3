"""`syncd new-connector`: a working connector to change, with its fake vendor and the test that holds it to rules."""

from __future__ import annotations

import re
from importlib import resources
from typing import Annotated

import typer

from syncd.cli import output
from syncd.errors import ConfigError, ConflictError
from syncd.settings import Settings

_TEMPLATE = "syncd.testing.example"


class NameTaken(ConflictError):
    """Choose another name, or remove the file first."""

    code = "connector.exists"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new-connector")(new_connector)


def new_connector(
    name: Annotated[str, typer.Argument(help="What `connector:` will name it: lower-case letters, digits, hyphens.")],
    as_json: output.Json = False,
) -> None:
    """Write a working channel to start from: connectors/NAME.py and .yaml, tests/test_NAME.py and its fake shop."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ConfigError(f"{name!r} is no name of a system.", remedy="Use lower-case letters, digits and hyphens.")
    files = _files(name)
    root = Settings().root
    for path in files:
        if (root / path).exists():
            raise NameTaken(f"{root / path} exists already.")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    written = list(files)
    output.show({"written": written}, as_json=as_json, lines=lambda _: _written(name, written))


def _files(name: str) -> dict[str, str]:
    """The template under another name, by path below the root."""
    module = name.replace("-", "_")
    connector, fake, test = (_renamed(_text(file), name) for file in ("connector.py", "fake.py", "test_connector.py"))
    example = re.search(r'example: ClassVar\[str\] = """\\\n(.*?)"""', connector, re.DOTALL)
    assert example is not None, "the template has an example"
    given = _class_of(name)
    test = test.replace(
        f"from {_TEMPLATE}.connector import {given}System\nfrom {_TEMPLATE}.fake import {given}\n",
        f"from fake_{module} import {given}\n",
    ).replace(f"    system = {given}System\n", f'    system = Registry.discover(ROOT).get("{name}")\n')
    test = test.replace(
        "from typing import Any, ClassVar\n", "from pathlib import Path\nfrom typing import Any, ClassVar\n"
    )
    test = test.replace("from syncd.testing.clock", "from syncd.sdk.registry import Registry\nfrom syncd.testing.clock")
    test = test.replace("\n\n\nclass Test", "\n\nROOT = Path(__file__).parents[1]\n\n\nclass Test")
    return {
        f"connectors/{name}.py": connector,
        f"connectors/{name}.yaml": example[1],
        f"tests/fake_{module}.py": fake,
        f"tests/test_{module}.py": test,
    }


def _text(file: str) -> str:
    return (resources.files(_TEMPLATE) / file).read_text("utf-8")


def _renamed(text: str, name: str) -> str:
    text = text.replace("PlainShop", _class_of(name)).replace("PlainOptions", f"{_class_of(name)}Options")
    text = text.replace('"plain"', f'"{name}"').replace("connector: plain", f"connector: {name}")
    return text.replace("PLAIN_TOKEN", f"{name.replace('-', '_').upper()}_TOKEN").replace(
        "plain.example", f"{name}.example"
    )


def _class_of(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("-"))


def _written(name: str, written: list[str]) -> list[str]:
    return [
        *(f"written  {path}" for path in written),
        "It works as it is: pytest tests (pip install syncd[testing]); syncd check",
        f"Then make connectors/{name}.py speak to your system, and the fake answer as your system does.",
    ]
