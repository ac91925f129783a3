"""What the image, the compose file and the unit name is there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    sources = [
        name for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE) for name in line.split()[:-1]
    ]
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(sources) == allowed
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_the_image_runs_as_nobody_special_and_is_watched() -> None:
    last = (ROOT / "Dockerfile").read_text().split("\nFROM ")[-1]
    assert re.search(r"^USER \d{5}:\d{5}$", last, re.MULTILINE)
    assert "/healthz" in last
    assert re.search(r"^ENTRYPOINT \[", last, re.MULTILINE)


def test_locks_pin_every_requirement_by_hash() -> None:
    for name in ("requirements.lock", "build.lock"):
        text = (ROOT / "deploy" / name).read_text()
        required = re.findall(r"^[a-z0-9._-]+==[^\n]+(?:\n    --hash=sha256:[0-9a-f]{64}[^\n]*)+", text, re.MULTILINE)
        assert len(required) == len(re.findall(r"^[a-z]", text, re.MULTILINE)) > 0


def test_the_locks_hold_what_the_package_declares() -> None:
    declared = re.search(
        r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.MULTILINE | re.DOTALL
    )
    assert declared
    names = set(re.findall(r'^\s+"([A-Za-z0-9._-]+)', declared[1], re.MULTILINE))
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "deploy" / "requirements.lock").read_text(), re.MULTILINE))
    assert {name.lower() for name in names} - locked == set()


def test_services_of_the_compose_file_refer_to_one_another() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (ROOT / source).is_dir()
