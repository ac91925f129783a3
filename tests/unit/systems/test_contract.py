"""What every shipped system must be, beside what it does."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import yaml

from syncd.config.models.connection import Connection
from syncd.sdk.registry import Registry
from syncd.sdk.roles import PROTOCOLS
from syncd.sdk.system import Options

REGISTRY = Registry.discover(Path("/nonexistent"))
SHIPPED = sorted({"akeneo", "amazon", "feed", "folder", "mailbox", "shopify", "table", "walmart", "webhook"})


def models(options: type[Options]) -> list[type[Options]]:
    found = [options]
    for field in options.model_fields.values():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, Options):
            found += models(field.annotation)
    return found


@pytest.mark.parametrize("name", SHIPPED)
def test_every_option_is_described(name: str):
    for model in models(REGISTRY.get(name).options):
        assert model.__doc__
        for option, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{option}"


@pytest.mark.parametrize("name", SHIPPED)
def test_methods_have_the_parameters_of_their_roles(name: str):
    system = REGISTRY.get(name)
    for role in system.roles:
        for method, wanted in vars(PROTOCOLS[role]).items():
            if method.startswith("_") or not inspect.isfunction(wanted):
                continue
            found = getattr(system, method)
            assert list(inspect.signature(found).parameters) == list(inspect.signature(wanted).parameters), method
            assert found.__doc__


@pytest.mark.parametrize("name", SHIPPED)
def test_the_starter_is_a_connection_of_this_system(name: str):
    system = REGISTRY.get(name)
    data = yaml.load(system.example, Loader=yaml.CBaseLoader)
    assert data["connector"] == name
    assert set(data["roles"]) <= set(system.roles)
    options = data["options"]
    for keys in (options.get("auth", {}),):
        if "keys" in keys:
            keys["keys"] = ["whsec_a2V5"]
    system.options.model_validate(options)
    Connection.model_validate(data)
    assert "#" in system.example
