"""Reads of checks. They are columns of their rounds."""

from sqlalchemy import RowMapping

from bot.checks.model import AskedCheck, CheckAnswer, CheckKind


def asked_check(row: RowMapping) -> AskedCheck | None:
    """Return the check in a round's row; None where the round asks none."""
    if row["check_kind"] is None:
        return None
    outcome = row["check_outcome"]
    return AskedCheck(
        kind=CheckKind(row["check_kind"]),
        text=row["check_text"] or "",
        subject=row["check_subject"],
        outcome=None if outcome is None else CheckAnswer(outcome),
    )
