"""Finds the systems: those shipped in `syncd.systems`, those of installed packages (entry point group `syncd.systems`)
and single Python files beside the connection files. A system that cannot be loaded is reported; the others work.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import syncd.systems
from syncd.errors import ConfigError
from syncd.sdk.roles import PROTOCOLS, Role
from syncd.sdk.system import SDK, Options, System

GROUP = "syncd.systems"
_METHODS: dict[Role, tuple[str, ...]] = {
    role: tuple(name for name, value in vars(protocol).items() if inspect.isfunction(value) and name[0] != "_")
    for role, protocol in PROTOCOLS.items()
}


@dataclass(frozen=True)
class Registry:
    """The systems by name, and what could not be loaded."""

    systems: Mapping[str, type[System]]
    problems: Sequence[ConfigError] = ()

    @classmethod
    def discover(cls, root: Path) -> Registry:
        """Load all systems.

        Args:
            root: SYNCD_ROOT, whose `connectors/*.py` hold systems of this installation.
        """
        found: dict[str, type[System]] = {}
        origins: dict[str, str] = {}
        problems: list[ConfigError] = []
        for origin, load in _candidates(root):
            try:
                for system in _systems(load(), origin):
                    if system.name in found:
                        raise _problem(origin, f"names its system {system.name}, as {origins[system.name]} does")
                    found[system.name], origins[system.name] = system, origin
            except ConfigError as problem:
                problems.append(problem)
            except (Exception, SystemExit) as error:  # whatever foreign code raises while it is imported
                problems.append(_problem(origin, f"cannot be loaded: {type(error).__name__}: {error}"))
        return cls(found, tuple(problems))

    def get(self, name: str) -> type[System]:
        """The system of this name.

        Raises:
            ConfigError: there is none; names those there are and those that could not be loaded.
        """
        system = self.systems.get(name)
        if system is None:
            broken = "".join(f" {problem.what}" for problem in self.problems)
            raise ConfigError(f"There is no system {name}; there are {', '.join(sorted(self.systems))}.{broken}")
        return system

    def schemas(self) -> dict[str, dict[str, Any]]:
        """JSON Schema of each system's options, by name."""
        return {name: system.options.model_json_schema() for name, system in sorted(self.systems.items())}


def _candidates(root: Path) -> Iterator[tuple[str, Callable[[], Any]]]:
    for module in pkgutil.iter_modules(syncd.systems.__path__):
        name = f"{syncd.systems.__name__}.{module.name}"
        yield name, lambda name=name: importlib.import_module(name)  # type: ignore[misc]  # bound per turn
    for point in importlib.metadata.entry_points(group=GROUP):
        package = point.dist.name if point.dist else "an installed package"
        yield f"{package} ({point.value})", point.load
    for file in sorted((root / "connectors").glob("*.py")):
        yield str(file), lambda file=file: _from_file(file)  # type: ignore[misc]  # bound per turn


def _from_file(file: Path) -> ModuleType:
    name = "syncd_connectors_" + re.sub(r"\W", "_", file.stem)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic resolves annotations through it
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _systems(loaded: Any, origin: str) -> list[type[System]]:
    """The system classes of what was loaded: a class, or a module that defines some."""
    if inspect.isclass(loaded):
        classes = [loaded]
    else:
        members = inspect.getmembers(loaded, inspect.isclass)
        classes = [c for _, c in members if c.__module__.startswith(loaded.__name__) and _looks_like_system(c)]
    if not classes:
        raise _problem(origin, "defines no system: a class with name, sdk, roles and options")
    for system in classes:
        fault = _fault(system)
        if fault:
            raise _problem(origin, f"{system.__name__} {fault}")
    return cast(list[type[System]], classes)


def _looks_like_system(candidate: type) -> bool:
    return all(hasattr(candidate, name) for name in ("name", "sdk", "roles"))


def _fault(system: Any) -> str:
    """What keeps a class from being a system of this SDK, "" if nothing does."""
    if getattr(system, "sdk", None) != SDK:
        return f"is written for SDK {getattr(system, 'sdk', 'unknown')}; this syncd has SDK {SDK}"
    if not re.fullmatch(r"[a-z][a-z0-9-]*", str(getattr(system, "name", ""))):
        return "has no name of lower-case letters, digits and hyphens"
    if not issubclass(system, System):
        return "does not derive from syncd.sdk.system.System"
    options = getattr(system, "options", None)
    if not (inspect.isclass(options) and issubclass(options, Options)):
        return "has no options derived from syncd.sdk.system.Options"
    if not system.roles or not all(isinstance(role, Role) for role in system.roles):
        return "names no role"
    wanted = [name for role in sorted(system.roles) for name in _METHODS[role]]
    missing = [name for name in wanted if not callable(getattr(system, name, None))]
    missing += sorted(system.__abstractmethods__)
    return f"lacks {', '.join(missing)}" if missing else ""


def _problem(origin: str, what: str) -> ConfigError:
    remedy = "Correct, update or remove it, then run `syncd check`."
    return ConfigError(f"{origin} {what}.", remedy=remedy, origin=origin)
