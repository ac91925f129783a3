"""What lies in a watched folder: files, the manifests that describe them, and the submissions they make together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from syncd.errors import RejectedError
from syncd.sdk import manifest
from syncd.systems.folder import rows as csv_rows
from syncd.systems.folder.entries import MANIFESTS, Entry, is_content
from syncd.systems.folder.statement import Manifest, NamedFile, Row, file_key
from syncd.systems.folder.taken import Taken


@dataclass(frozen=True, slots=True)
class Unit:
    """Files that are one submission, as one statement.

    `base` is the sub-folder they lie in ("" for the folder itself), `manifest` the file that describes them, with its
    `text` or its `rows`; `reused` says that it was taken with an earlier version and speaks of this one too. `waits`
    names what is not there yet. `tokens` are what was seen: the unit is new while one of them is.
    """

    key: str
    base: str = ""
    files: tuple[Entry, ...] = ()
    manifest: Entry | None = None
    text: str = ""
    rows: tuple[Row, ...] = ()
    fault: str = ""
    waits: str = ""
    reused: bool = False

    @property
    def tokens(self) -> tuple[str, ...]:
        files = tuple(entry.token for entry in self.files)
        if self.manifest is None or self.reused:
            return files
        path = self.manifest.path
        # Rows count one by one: a CSV that grows makes only its new rows new.
        return (*files, *([f"{path}|{sorted(row.cells.items())}" for row in self.rows] or [self.manifest.token]))

    @property
    def entries(self) -> tuple[Entry, ...]:
        return (*self.files, *((self.manifest,) if self.manifest and not self.reused else ()))

    @property
    def newest(self) -> int:
        return max((entry.mtime_ns for entry in self.entries), default=0)


class Inbox:
    """Groups what was found in a folder."""

    def __init__(self, folder: Path, entries: list[Entry], *, require_manifest: bool) -> None:
        """
        Args:
            folder: the watched folder.
            entries: found in it.
            require_manifest: whether files without one wait.
        """
        self._folder_path = folder
        self._entries = entries
        self._require_manifest = require_manifest
        self._taken = Taken(folder)
        self._by_path = {entry.path: entry for entry in entries if not entry.fault}
        self._claimed: set[str] = set()

    def units(self) -> list[Unit]:
        """The submissions, oldest first; those that still wait for something say for what."""
        units = [Unit(entry.path, files=(entry,), fault=entry.fault) for entry in self._entries if entry.fault]
        folders: dict[str, list[Entry]] = defaultdict(list)
        for entry in self._by_path.values():
            if "/" in entry.path:
                folders[entry.path.split("/")[0]].append(entry)
        units += [self._folder(name, entries) for name, entries in folders.items()]
        top = [entry for entry in self._by_path.values() if "/" not in entry.path]
        for entry in top:
            if entry.path.lower().endswith(MANIFESTS):
                units.append(self._described(entry))
            elif entry.path.lower().endswith(".csv"):
                units += self._listed(entry)
        units += self._undescribed(top)
        return sorted((part for unit in units for part in _generations(unit)), key=lambda unit: (unit.newest, unit.key))

    def _folder(self, name: str, entries: list[Entry]) -> Unit:
        described = next((e for e in entries if e.path in {f"{name}/submission{ext}" for ext in MANIFESTS}), None)
        files = tuple(entry for entry in entries if entry is not described)
        if described is None:
            return self._reusing(Unit(name, name, files, waits="a submission.yaml" if self._require_manifest else ""))
        text, fault = self._text(described)
        unit = Unit(name, name, files, described, text, fault=fault)
        return self._complete(unit)

    def _described(self, described: Entry) -> Unit:
        """A sidecar, or a manifest that names its files, in the folder itself."""
        self._claimed.add(described.path)
        name = str(PurePosixPath(described.path).with_suffix(""))
        content = self._content()
        beside = [e for e in content if name in (e.path, str(PurePosixPath(e.path).with_suffix("")))]
        key = str(PurePosixPath(name).with_suffix("")) if any(e.path == name for e in beside) else name
        text, fault = self._text(described)
        return self._complete(Unit(key, "", tuple(beside), described, text, fault=fault))

    def _complete(self, unit: Unit) -> Unit:
        """The unit with the files its manifest names, or with what it waits for."""
        assert unit.manifest is not None
        try:
            said = manifest.read(unit.text, unit.manifest.path, Manifest) if not unit.fault else Manifest()
        except RejectedError:
            # The manifest is delivered as it is, and refused with its place; what it mentions is left alone till then.
            self._claimed.update(e.path for e in self._content() if e in unit.files or e.path in unit.text)
            return unit
        return self._with_files(unit, said)

    def _with_files(self, unit: Unit, said: Manifest) -> Unit:
        prefix = f"{unit.base}/" if unit.base else ""
        named = [f"{prefix}{entry.file}" for entry in said.files]
        paths = named or [entry.path for entry in unit.files] or self._taken_before(unit)
        self._claimed.update(paths)
        found = {path: self._by_path.get(path) or self._taken.get(path) for path in paths}
        missing = [path for path, entry in found.items() if entry is None]
        waits = ", ".join(missing) or ("" if paths or said.withdrawn or unit.fault else "its file")
        files = tuple(entry for entry in found.values() if entry is not None)
        return replace(unit, files=files, waits=waits)

    def _taken_before(self, unit: Unit) -> list[str]:
        """Paths of files that were accepted earlier and that a manifest now speaks of again."""
        return self._taken.under(unit.base) if unit.base else self._taken.named(unit.key)

    def _reusing(self, unit: Unit) -> Unit:
        """The unit with the manifest of an earlier version of its files, where there is one."""
        path = self._taken.manifest(unit.key, unit.base)
        if path is None:
            return unit
        known = path.stat()
        described = Entry(path.relative_to(self._folder_path).as_posix(), known.st_mtime_ns, known.st_size)
        text, fault = self._text(described)
        return replace(unit, manifest=described, text=text, fault=fault, waits="", reused=True)

    def _listed(self, described: Entry) -> Iterable[Unit]:
        """The submissions of a CSV: rows with the same external_id are one, others are each their own."""
        self._claimed.add(described.path)
        try:
            rows = csv_rows.read(self._folder_path / described.path, described.path)
        except RejectedError as error:
            return [Unit(described.path, manifest=described, fault=error.what)]
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            groups[row.cells.get("external_id", "").strip() or file_key(row.cells.get("file", ""))].append(row)
        return [self._group(key, group, described) for key, group in groups.items()]

    def _group(self, key: str, rows: list[Row], described: Entry) -> Unit:
        cells = [row.cells for row in rows]
        names = dict.fromkeys(cell["file"].strip() for cell in cells if cell["file"].strip())
        withdrawn = not names and any(cell.get("withdrawn", "").strip() for cell in cells)
        said = Manifest.model_construct(files=tuple(NamedFile(file=name) for name in names), withdrawn=withdrawn)
        return self._with_files(Unit(key, manifest=described, rows=tuple(rows)), said)

    def _undescribed(self, top: list[Entry]) -> list[Unit]:
        groups: dict[str, list[Entry]] = defaultdict(list)
        for entry in top:
            if entry.path not in self._claimed:
                groups[str(PurePosixPath(entry.path).with_suffix(""))].append(entry)
        waits = "a manifest" if self._require_manifest else ""
        return [self._reusing(Unit(key, files=tuple(entries), waits=waits)) for key, entries in groups.items()]

    def _content(self) -> list[Entry]:
        """Files of the folder itself that are no manifests."""
        return [entry for entry in self._by_path.values() if "/" not in entry.path and is_content(entry.path)]

    def _text(self, described: Entry) -> tuple[str, str]:
        """The manifest's text, or why there is none."""
        if described.size > manifest.LIMIT:
            return "", f"{described.path}:1:1: the manifest is larger than {manifest.LIMIT} bytes"
        try:
            return (self._folder_path / described.path).read_bytes().decode("utf-8-sig"), ""
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            return "", f"{described.path}:{line}:1: the manifest is no UTF-8 text"
        except OSError as error:
            return "", f"{described.path}: the manifest cannot be read: {error.strerror}"


def _generations(unit: Unit) -> list[Unit]:
    """One statement for each state the files went through: `beach.jpg`, then its new version `beach.png`."""
    if unit.base or (unit.manifest and not unit.reused) or unit.fault or not unit.files:
        return [unit]
    versions: dict[str, list[Entry]] = defaultdict(list)
    for entry in sorted(unit.files, key=lambda entry: (entry.mtime_ns, entry.path)):
        versions[file_key(entry.path)].append(entry)
    count = max(len(entries) for entries in versions.values())
    states = [tuple(entries[min(turn, len(entries) - 1)] for entries in versions.values()) for turn in range(count)]
    return [replace(unit, files=files) for files in states]
