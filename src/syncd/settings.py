"""Settings of the process: environment variables named SYNCD_…, a `.env` file, a folder of secrets; one name in all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

_SECRETS_DIR = "SYNCD_SECRETS_DIR"


class Settings(BaseSettings):
    """Everything about one process that is not configuration of the product (`connectors/`, `mappings/`)."""

    model_config = SettingsConfigDict(env_prefix="SYNCD_", env_file=".env", extra="ignore", frozen=True)

    root: Path = Field(Path(), description="the folder that holds connectors/, mappings/ and var/")
    ledger: str = Field("", description="sqlite:///FILE or postgresql://…; default: var/ledger.db below root")
    blobs: str = Field("", description="a folder, s3://, gs:// or az:// URL; default: var/blobs below root")
    blobs_shared: bool = Field(False, description="a local blob folder that all processes on PostgreSQL really share")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8371, ge=1, le=65535, description="port to listen on")
    public_url: str = Field("", description="the URL the world reaches this daemon under; default: http://host:port")
    workers: int = Field(2, ge=1, le=64, description="media worker processes")
    backups: Path | None = Field(None, description="where `syncd backup` writes; default: var/backups below root")
    secrets_dir: Path | None = Field(
        None, description="a folder whose files are secrets and settings, by name, such as SYNCD_LEDGER"
    )
    credentials_key: SecretStr | None = Field(
        None,
        description="32 bytes in Base64 that seal credentials in the ledger; several, apart by commas, while one "
        "replaces another: the first seals, all open; default: var/credentials.key below root",
    )
    log_format: Literal["json", "console"] = Field("json", description="how log lines are written")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least level that is logged"
    )
    drain_seconds: float = Field(20.0, gt=0, description="how long running work may take to finish on SIGTERM")
    min_free_mb: int = Field(512, ge=0, description="below this much free disk nothing new is taken in")
    url: str = Field("", description="where the command line finds the daemon; default: http://host:port")
    token: SecretStr | None = Field(None, description="the command line's API token; default: var/token below root")

    @property
    def var(self) -> Path:
        """Where the process keeps its own files."""
        return self.root / "var"

    @property
    def backups_dir(self) -> Path:
        """Where backups are written."""
        return (self.backups or self.var / "backups").absolute()

    @property
    def ledger_url(self) -> str:
        return self.ledger or f"sqlite:///{self.var.absolute()}/ledger.db"

    @property
    def credentials_keys(self) -> str:
        """The keys that seal credentials; "" where they are in the file."""
        return self.credentials_key.get_secret_value() if self.credentials_key else ""

    @property
    def blobs_url(self) -> str:
        return self.blobs or str(self.var.absolute() / "blobs")

    @property
    def api_url(self) -> str:
        return (self.url or f"http://{self.host}:{self.port}").rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment comes first, then `.env`, then the folder of secrets the environment names."""
        folder = os.environ.get(_SECRETS_DIR)
        files = (SecretsSettingsSource(settings_cls, folder),) if folder else ()
        return init_settings, env_settings, dotenv_settings, *files
