"""The forms of a trust-building phase's habits."""

from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.announcement import details_page, messages
from bot.habits import how_we_work_form, mistake_form
from bot.phases.model import Phase
from bot.phases.working_agreement import LINE_LIMIT, LINES, WorkingAgreement, edited
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.playground.fake_slack.forms import state_values
from tests.announcement.phases import HOSTILE, TODAY, TRUST
from tests.harness import BEN, CHIARA


def with_lines(*lines: str, by: str = BEN) -> Phase:
    typed = [*lines, *[""] * (LINES - len(lines))]
    agreement = edited(WorkingAgreement(), typed, version=0, by=by, on=TODAY)
    return replace(TRUST, how_we_work=agreement)


WRITTEN = with_lines("Reviews within a day.", HOSTILE.replace("\u2028", " "))


def test_forms_match_snapshot(snapshot: SnapshotAssertion) -> None:
    overwritten = {1: WRITTEN.how_we_work.changes[1]}
    typed = ("Reviews within a day.", "Mine.", "", "", "")
    forms = [
        how_we_work_form.build(WRITTEN),
        how_we_work_form.build_after_conflict(WRITTEN, typed, overwritten),
        mistake_form.build(WRITTEN),
    ]
    views = [form.to_dict() for form in forms]
    assert [check_view(view) for view in views] == [[]] * 3

    assert views == snapshot.use_extension(JSONSnapshotExtension)


def test_mistake_message_matches_snapshot(snapshot: SnapshotAssertion) -> None:
    message = mistake_form.message("Ben", f"{HOSTILE}\nNow I rehearse it.")
    assert check_blocks(message.blocks, "message") == []

    assert [message.text, message.blocks] == snapshot.use_extension(JSONSnapshotExtension)


def test_how_we_work_form_round_trips() -> None:
    values = state_values(how_we_work_form.build(WRITTEN).to_dict()["blocks"], {})

    assert how_we_work_form.parse(values) == WRITTEN.how_we_work.lines


def test_announcement_shows_the_lines_and_details_who_wrote_them() -> None:
    shown = str(messages.announcement(WRITTEN, TODAY).blocks)
    details = str(details_page.build(WRITTEN, TODAY).to_dict())

    assert "*How we work:*\\n• Reviews within a day." in shown
    assert "added" not in shown
    assert "• Fri 4 Dec, Ben added “Reviews within a day.”" in details


@pytest.mark.parametrize("filler", ["&", "x", "😀"])
def test_longest_lines_fit(filler: str) -> None:
    phase = with_lines(*[filler * LINE_LIMIT] * LINES, by=CHIARA)
    changes = phase.how_we_work.changes
    full = replace(phase, how_we_work=replace(phase.how_we_work, changes=changes * 4))

    assert check_blocks(messages.announcement(full, TODAY).blocks, "message") == []
    assert check_view(details_page.build(full, TODAY).to_dict()) == []
    assert check_view(how_we_work_form.build(full).to_dict()) == []
