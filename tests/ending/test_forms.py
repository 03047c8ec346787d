"""The forms that end and extend a phase: what they show, and what they give back."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from slack_sdk.models.views import View
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.ending import extend_form, wrap_up_form
from bot.ending.extend_form import Extension
from bot.ending.wrap_up_form import ItemDecision, WrapUp
from bot.phases.model import ItemOutcome, Phase
from bot.playground.fake_slack.checks import check_view
from bot.playground.fake_slack.forms import state_values
from tests.announcement.phases import HOSTILE, SPRINT, TRUST, participant
from tests.ending.ended_phases import WORDS, decided, hostile, over
from tests.harness import ANA, BEN, CHIARA

LATEST = date(2026, 12, 25)
PARKED = decided(SPRINT, ("parked", date(2027, 1, 11)), ("dropped", None))
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
    "trust, running": wrap_up_form.build(replace(TRUST, items=())),
    "everything written": wrap_up_form.build(WRITTEN),
    "more members than room": wrap_up_form.build(LARGE),
    "extend a sprint": extend_form.build(SPRINT, LATEST),
    "extend trust-building": extend_form.build(TRUST, LATEST),
}


def typed(view: View, **changes: Any) -> dict[str, Any]:
    """What the form sends, with some of it changed by block id."""
    values = state_values(view.to_dict()["blocks"], {})
    for name, value in changes.items():
        (action_id,) = values[name]
        values[name][action_id] = {**values[name][action_id], **value}
    return values


def extended(phase: Phase) -> View:
    return extend_form.build(phase, LATEST)


@pytest.mark.parametrize("name", FORMS)
def test_is_shown_as_before(name: str, snapshot: SnapshotAssertion) -> None:
    view = FORMS[name].to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_the_wrap_up_gives_back_what_was_put_in() -> None:
    assert wrap_up_form.parse(typed(FORMS["everything written"])) == WrapUp(
        outcome="Beta is out. Both customers have it.",
        learning="Reviews were the bottleneck, not code.",
        thanks="To all, for the late test night.",
        decisions={
            0: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2027, 1, 11)),
            1: ItemDecision(outcome=ItemOutcome.DROPPED),
        },
        lines={BEN: "Thank you, Ben."},
    )


def test_nothing_chosen_means_taken_up_again() -> None:
    said = wrap_up_form.parse(typed(FORMS["sprint, running"]))

    assert said == WrapUp(decisions={0: ItemDecision(), 1: ItemDecision()})


def test_a_day_counts_only_where_it_is_parked() -> None:
    values = typed(FORMS["sprint, running"], **{"until:0": {"selected_date": "2027-01-11"}})

    assert wrap_up_form.parse(values).decisions[0] == ItemDecision()


def test_what_is_typed_is_cleaned() -> None:
    values = typed(FORMS["sprint, running"], outcome={"value": f" \u202e{HOSTILE} \x00"})

    assert wrap_up_form.parse(values).outcome == HOSTILE


def test_the_extension_gives_back_what_was_put_in() -> None:
    values = typed(FORMS["extend a sprint"], reason={"value": " The audit came late.\n"})

    assert extend_form.parse(values) == Extension(ends_on=LATEST, reason="The audit came late.")


def test_no_day_is_no_extension() -> None:
    values = typed(FORMS["extend a sprint"], ends_on={"selected_date": None})

    assert extend_form.parse(values) == Extension(ends_on=None, reason="")


def test_who_has_no_room_for_a_line_is_told_of() -> None:
    assert "There is room for 20 here" in str(FORMS["more members than room"].to_dict())
    assert "There is room" not in str(FORMS["sprint, running"].to_dict())


@pytest.mark.parametrize("sign", ["<!channel>", "*", "&", "ש", "😀"])
@pytest.mark.parametrize("form", [wrap_up_form.build, extended])
def test_bad_and_long_words_fit_and_never_fire(sign: str, form: Any) -> None:
    phase: Phase = replace(hostile(sign), outcome=(sign * 1_000)[:1_000])
    view = form(phase).to_dict()

    assert check_view(view) == []
    sections = [block for block in view["blocks"] if block["type"] == "section"]
    assert "<!channel>" not in str(sections)
