"""The working agreement of a trust-building team: up to five lines that any member edits, signed.

Pure. Lines are kept in places of their own, so that two people who edit different lines at once do
not meet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

LINES, LINE_LIMIT = 5, 160  # characters of each
#: Older changes are forgotten.
CHANGES_KEPT = 20


@dataclass(frozen=True, kw_only=True)
class LineChange:
    """One person's change of one line; an empty text is no line."""

    number: int  # counted from 1 over the whole phase
    place: int  # of the line, from 0
    before: str
    after: str
    user_id: str
    on: str  # the day in the lead's zone, in ISO format


@dataclass(frozen=True, kw_only=True)
class WorkingAgreement:
    """The lines as they stand, and who changed them, newest last."""

    lines: tuple[str, ...] = ("",) * LINES
    changes: tuple[LineChange, ...] = ()

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(line for line in self.lines if line)

    @property
    def version(self) -> int:
        """The number of the latest change; 0: none yet."""
        return self.changes[-1].number if self.changes else 0

    def changed_since(self, version: int) -> dict[int, LineChange]:
        """Return the latest change of each line that was changed after this version."""
        return {change.place: change for change in self.changes if change.number > version}

    def text_at(self, place: int, version: int) -> str | None:
        """Return the line as it stood in this version; None: that is forgotten."""
        if version < self.version - len(self.changes):
            return None
        later = (change for change in self.changes if change.number > version)
        first = next((change for change in later if change.place == place), None)
        return self.lines[place] if first is None else first.before


NOTHING_AGREED = WorkingAgreement()


def edited(
    agreement: WorkingAgreement, typed: Sequence[str], *, version: int, by: str, on: date
) -> WorkingAgreement:
    """Return the agreement with the lines that a person changed in a form showing `version`.

    Lines that they left as they were keep what others wrote in the meantime.
    """
    lines, changes, number = list(agreement.lines), list(agreement.changes), agreement.version
    for place, text in enumerate(typed):
        untouched = text == agreement.text_at(place, version)
        if untouched or text == lines[place]:
            continue
        number += 1
        changes.append(
            LineChange(
                number=number,
                place=place,
                before=lines[place],
                after=text,
                user_id=by,
                on=on.isoformat(),
            )
        )
        lines[place] = text
    return replace(agreement, lines=tuple(lines), changes=tuple(changes[-CHANGES_KEPT:]))


def conflicts(
    agreement: WorkingAgreement, typed: Sequence[str], *, version: int, by: str
) -> dict[int, LineChange]:
    """Return the changes of others that saving would overwrite unseen, by place."""
    return {
        place: change
        for place, change in agreement.changed_since(version).items()
        if change.user_id != by
        and typed[place] != agreement.lines[place]
        and typed[place] != agreement.text_at(place, version)
    }


def from_json(stored: Mapping[str, Any] | None) -> WorkingAgreement:
    if not stored:
        return WorkingAgreement()
    changes = tuple(LineChange(**change) for change in stored["changes"])
    return WorkingAgreement(lines=tuple(stored["lines"]), changes=changes)


def to_json(agreement: WorkingAgreement) -> dict[str, Any]:
    return asdict(agreement)
