"""Edits of how a team works: nobody's line is overwritten unseen."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from bot.phases.working_agreement import (
    CHANGES_KEPT,
    LINES,
    WorkingAgreement,
    conflicts,
    edited,
    from_json,
    to_json,
)
from tests.harness import BEN, CHIARA

TODAY = date(2026, 12, 4)
texts = st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=LINES, max_size=LINES)
edits = st.lists(st.tuples(st.sampled_from([BEN, CHIARA]), texts), max_size=30)


def after(changes: list[tuple[str, list[str]]]) -> WorkingAgreement:
    agreement = WorkingAgreement()
    for by, typed in changes:
        agreement = edited(agreement, typed, version=agreement.version, by=by, on=TODAY)
    return agreement


@given(edits)
def test_last_edit_made_on_the_latest_version_stands(changes: list[tuple[str, list[str]]]) -> None:
    agreement = after(changes)

    if changes:
        assert list(agreement.lines) == changes[-1][1]
    assert len(agreement.changes) <= CHANGES_KEPT
    assert from_json(to_json(agreement)) == agreement


@given(edits, texts, texts)
def test_two_people_editing_at_once_lose_nothing_unseen(
    changes: list[tuple[str, list[str]]], by_ben: list[str], by_chiara: list[str]
) -> None:
    shown = after(changes)
    first = edited(shown, by_ben, version=shown.version, by=BEN, on=TODAY)
    found = conflicts(first, by_chiara, version=shown.version, by=CHIARA)

    overwritten = {
        place
        for place in range(LINES)
        if by_ben[place] != shown.lines[place]
        and by_chiara[place] not in (shown.lines[place], by_ben[place])
    }
    assert set(found) == overwritten
    if not found:
        both = edited(first, by_chiara, version=shown.version, by=CHIARA, on=TODAY)
        for place in range(LINES):
            unchanged_by_chiara = by_chiara[place] == shown.lines[place]
            expected = by_ben[place] if unchanged_by_chiara else by_chiara[place]
            assert both.lines[place] == expected


def test_forgotten_version_counts_as_changed() -> None:
    agreement = WorkingAgreement()
    for number in range(CHANGES_KEPT + 5):
        typed = [f"line {number}", *[""] * (LINES - 1)]
        agreement = edited(agreement, typed, version=agreement.version, by=BEN, on=TODAY)

    found = conflicts(agreement, ["mine", *[""] * (LINES - 1)], version=1, by=CHIARA)

    assert set(found) == {0}
