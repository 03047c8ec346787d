"""The wrap-up and extension forms: their content, and the parsing of submissions."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from slack_sdk.models.views import View
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.ending import extend_form, wrap_up_form
from bot.ending.extend_form import Extension
from bot.ending.wrap_up_form import WrapUp
from bot.on_hold.rules import ItemDecision
from bot.phases.model import ItemOutcome, MilestoneOutcome, Phase
from bot.playground.fake_slack.checks import check_view
from bot.playground.fake_slack.forms import state_values
from tests.announcement.phases import HOSTILE, SPRINT, STORED_HOSTILE, TODAY, TRUST, participant
from tests.ending.ended_phases import WORDS, hostile, over, with_outcomes
from tests.harness import ANA, BEN, CHIARA

LATEST = date(2026, 12, 25)
PARKED = with_outcomes(SPRINT, ("parked", date(2027, 1, 11)), ("dropped", None))
WRITTEN = replace(
    over(PARKED, **WORDS).phase,
    people=(
        participant(ANA),
        participant(BEN, contribution="I carry the importer.", thanks_line="Thank you, Ben."),
        participant(CHIARA),
    ),
)
MANY = tuple(replace(participant(BEN), user_id=f"U{at}") for at in range(25))
LARGE = replace(SPRINT, people=MANY)
FORMS = {
    "sprint, running": wrap_up_form.build(SPRINT),
    "sprint, ended": wrap_up_form.build(over(SPRINT).phase),
    "trust, running": wrap_up_form.build(replace(TRUST, set_aside_items=())),
    "everything written": wrap_up_form.build(WRITTEN),
    "more members than fit": wrap_up_form.build(LARGE),
    "extend a sprint": extend_form.build(SPRINT, LATEST, TODAY),
    "extend trust-building": extend_form.build(TRUST, LATEST, TODAY),
}


def submitted(view: View, **changes: Any) -> dict[str, Any]:
    """Return what the form submits as shown, with changes by block id."""
    values = state_values(view.to_dict()["blocks"], {})
    for name, value in changes.items():
        (action_id,) = values[name]
        values[name][action_id] = {**values[name][action_id], **value}
    return values


def build_extend_form(phase: Phase) -> View:
    return extend_form.build(phase, LATEST, TODAY)


@pytest.mark.parametrize("name", FORMS)
def test_form_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = FORMS[name].to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_wrap_up_form_round_trips() -> None:
    assert wrap_up_form.parse(submitted(FORMS["everything written"])) == WrapUp(
        outcome="Beta is out. Both customers have it.",
        milestone_outcome=MilestoneOutcome.HIT,
        planned="The beta, with both customers on it.",
        reason="Reviews were the bottleneck, not code.",
        learning="Review before noon, every day.",
        thanks="To all, for the late test night.",
        decisions={
            0: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2027, 1, 11)),
            1: ItemDecision(outcome=ItemOutcome.DROPPED),
        },
        lines={BEN: "Thank you, Ben."},
    )


def test_items_without_a_decision_are_resumed() -> None:
    wrap_up = wrap_up_form.parse(submitted(FORMS["sprint, running"]))

    assert wrap_up == WrapUp(
        planned="ship the beta", decisions={0: ItemDecision(), 1: ItemDecision()}
    )


def test_parking_date_is_ignored_unless_the_item_is_parked() -> None:
    values = submitted(FORMS["sprint, running"], **{"until:0": {"selected_date": "2027-01-11"}})

    assert wrap_up_form.parse(values).decisions[0] == ItemDecision()


def test_wrap_up_text_is_sanitized() -> None:
    values = submitted(FORMS["sprint, running"], outcome={"value": f" \u202e{HOSTILE} \x00"})

    assert wrap_up_form.parse(values).outcome == STORED_HOSTILE


def test_extension_form_is_parsed_with_trimmed_reason() -> None:
    values = submitted(FORMS["extend a sprint"], reason={"value": " The audit came late.\n"})

    assert extend_form.parse(values) == Extension(ends_on=LATEST, reason="The audit came late.")


def test_extension_form_without_a_day_is_parsed_as_no_day() -> None:
    values = submitted(FORMS["extend a sprint"], ends_on={"selected_date": None})

    assert extend_form.parse(values) == Extension(ends_on=None, reason="")


def test_wrap_up_form_tells_that_not_all_members_fit() -> None:
    assert "There is room for 20 here" in str(FORMS["more members than fit"].to_dict())
    assert "There is room" not in str(FORMS["sprint, running"].to_dict())


@pytest.mark.parametrize("filler", ["<!channel>", "*", "&", "ש", "😀"])
@pytest.mark.parametrize("form", [wrap_up_form.build, build_extend_form])
def test_hostile_and_long_texts_fit_and_never_ping_the_channel(filler: str, form: Any) -> None:
    phase: Phase = replace(hostile(filler), outcome=(filler * 1_000)[:1_000])
    view = form(phase).to_dict()

    assert check_view(view) == []
    sections = [block for block in view["blocks"] if block["type"] == "section"]
    assert "<!channel>" not in str(sections)
