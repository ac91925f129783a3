"""A revision with its rules compiled: the one thing the daemon loads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from syncd.config import bundle as bundles
from syncd.config import problems, reading, references
from syncd.config.models.rules import MatchFile, MatrixFile, ReviewsFile, RightsFile
from syncd.domain.match import Candidate
from syncd.domain.review import Route
from syncd.mapping import match, matrix, reviews, rights
from syncd.mapping.expressions import Facts
from syncd.mapping.match import Rule as MatchRule
from syncd.mapping.matrix import Entry, Wanted
from syncd.mapping.reviews import Rule as ReviewRule
from syncd.mapping.rights import GrantTerms
from syncd.mapping.rights import Rule as RightsRule


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All files of one revision, validated, and their rules, ready to be asked."""

    bundle: bundles.Bundle
    match: tuple[MatchRule, ...]
    matrix: tuple[Entry, ...]
    rights: tuple[RightsRule, ...]
    reviews: tuple[ReviewRule, ...]

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> Rulebook:
        """Validate a revision wholly.

        Args:
            files: text by path, such as `mappings/match.yaml`.

        Raises:
            problems.InvalidFiles: with all problems of all files, conditions included.
        """
        stored = bundles.canonical(files)
        found = reading.read(stored)
        faults = [*found.problems, *references.check(found)]
        rules = _Compiled(found, faults)
        if faults:
            raise problems.InvalidFiles(faults)
        return cls(bundles.Bundle.of(stored, found), rules.match, rules.matrix, rules.rights, rules.reviews)

    @classmethod
    def load_folder(cls, root: Path) -> Rulebook:
        """Validate the files under `root` wholly.

        Raises:
            problems.InvalidFiles: with all problems of all files.
        """
        return cls.from_files(reading.folder_files(root))

    def candidates(self, facts: Facts) -> list[Candidate]:
        """What each match rule finds."""
        return match.candidates(self.match, facts)

    def wanted(self, facts: Facts) -> list[Wanted]:
        """Which derivatives the version is to become."""
        return matrix.wanted(self.matrix, facts, self.bundle.connections)

    def terms_for(self, facts: Facts) -> GrantTerms | None:
        """On what basis the version may be used; None: it is held."""
        return rights.terms_for(self.rights, facts)

    def route_for(self, facts: Facts) -> Route | None:
        """Who decides on the version."""
        return reviews.route_for(self.reviews, facts, self.bundle.people.values())


class _Compiled:
    """The rules of whatever files could be read; what is wrong with them is added to `faults`."""

    def __init__(self, found: reading.Reading, faults: list[problems.Problem]) -> None:
        self.match: tuple[MatchRule, ...] = ()
        self.matrix: tuple[Entry, ...] = ()
        self.rights: tuple[RightsRule, ...] = ()
        self.reviews: tuple[ReviewRule, ...] = ()
        wrong: list[problems.Problem] = []
        if match_file := found.mapping(MatchFile):
            self.match, wrong = match.compile_rules(match_file, found.document(MatchFile), found.tables)
            faults += wrong
        if matrix_file := found.mapping(MatrixFile):
            self.matrix, wrong = matrix.compile_entries(matrix_file, found.document(MatrixFile))
            faults += wrong
        if rights_file := found.mapping(RightsFile):
            self.rights, wrong = rights.compile_rules(rights_file, found.document(RightsFile))
            faults += wrong
        if reviews_file := found.mapping(ReviewsFile):
            self.reviews, wrong = reviews.compile_rules(reviews_file, found.document(ReviewsFile))
            faults += wrong
