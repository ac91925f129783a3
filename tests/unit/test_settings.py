"""Where the settings of a process come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.settings import Settings


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_of_secrets_holds_settings_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "SYNCD_LEDGER").write_text("postgresql://syncd:pass@db/syncd\n")
    (tmp_path / "SYNCD_PORT").write_text("9000")
    monkeypatch.setenv("SYNCD_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("SYNCD_PORT", "9001")
    settings = Settings()
    assert settings.ledger_url == "postgresql://syncd:pass@db/syncd"
    assert settings.port == 9001, "the environment comes first"


def test_the_environment_comes_before_the_file_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("SYNCD_WORKERS=3\nSYNCD_MIN_FREE_MB=5\n")
    monkeypatch.setenv("SYNCD_WORKERS", "4")
    assert (Settings().workers, Settings().min_free_mb) == (4, 5)


def test_everything_stands_below_the_root_unless_it_is_named(tmp_path: Path) -> None:
    settings = Settings(root=tmp_path)
    assert settings.backups_dir == tmp_path / "var/backups"
    assert settings.ledger_url == f"sqlite:///{tmp_path}/var/ledger.db"
    assert settings.blobs_url == str(tmp_path / "var/blobs")
