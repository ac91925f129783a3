"""A connector that was just scaffolded is found, configured and keeps the rules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from syncd.config.models.connection import Connection
from syncd.sdk.registry import Registry

RULES = "test_check_says or test_what_is_taken_down or test_damaged"


def syncd(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from syncd.cli import main; main()", *arguments],
        env={**os.environ, "SYNCD_ROOT": str(root)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture
def scaffolded(tmp_path: Path) -> Path:
    done = syncd(tmp_path, "new-connector", "my-shop")
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_what_is_written_works_as_it_is(scaffolded: Path) -> None:
    system = Registry.discover(scaffolded).get("my-shop")
    told = yaml.safe_load((scaffolded / "connectors/my-shop.yaml").read_text())
    system.options.model_validate(told["options"])
    Connection.model_validate(told)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", RULES, "tests"]
    ran = subprocess.run(command, cwd=scaffolded, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert "5 passed" in ran.stdout


def test_nothing_is_written_over(scaffolded: Path) -> None:
    (scaffolded / "connectors/my-shop.py").write_text("mine")
    done = syncd(scaffolded, "new-connector", "my-shop")
    assert done.returncode != 0
    assert "exists already" in done.stderr
    assert (scaffolded / "connectors/my-shop.py").read_text() == "mine"


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    done = syncd(tmp_path, "new-connector", "My Shop")
    assert done.returncode != 0
    assert not list(tmp_path.iterdir())
