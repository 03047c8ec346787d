"""Limits of the forms of a phase, and the parsing of their input."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from bot.ending import extend_form, wrap_up_form
from bot.on_hold.rules import ItemDecision
from bot.phases.model import ItemOutcome
from bot.phases.rules import PhaseKind, Proposal, SetAside, SprintPromise, TrustPromise
from bot.start import page_moment, page_options, page_promise
from bot.start.draft import Draft, Row, proposal_of
from bot.start.proposed_phase import phase_preview, roles_of, values_of
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import ANA, BEN, CHIARA, HANA, LAUNCH
from tests.rounds.round_rows import NOW
from tests.start.proposals import SPRINT, TRUST

ENDS_ON, TODAY = date(2026, 12, 7), date(2026, 11, 23)
DRAFT = Draft(ends_on=ENDS_ON)
TEXTS = ("stakes", "ask", "protected", "why_you", "give_up")


def propose(draft: Draft) -> Proposal:
    return proposal_of(draft, channel_id=LAUNCH, lead_id=ANA, zone="Europe/Lisbon", today=TODAY)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"time_of_day": time(8)}, None),
        ({"time_of_day": time(20)}, None),
        ({"time_of_day": time(7, 59)}, "time_of_day"),
        ({"time_of_day": time(20, 1)}, "time_of_day"),
        ({"co_leads": tuple("ABCDE")}, None),
        ({"co_leads": tuple("ABCDEF")}, "co_leads"),
    ],
)
def test_options_allow_daytime_questions_and_up_to_five_co_leads(
    changed: dict[str, Any], field: str | None
) -> None:
    assert list(page_options.faults(replace(DRAFT, **changed))) == ([field] if field else [])


@pytest.mark.parametrize("length", [240, 241])
@pytest.mark.parametrize("name", [*TEXTS, "milestone", "set_aside"])
def test_promise_texts_are_limited_to_240_characters(name: str, length: int) -> None:
    texts = dict.fromkeys((*TEXTS, "milestone"), "x")
    rows: tuple[Row, ...] = (Row(text="x"),)
    if name == "set_aside":
        rows = (Row(text="x"), Row(text="x" * length))
    else:
        texts[name] = "x" * length

    found = page_promise.faults(replace(DRAFT, texts=texts, rows=rows), PhaseKind.RESULTS_SPRINT)

    assert list(found) == ([] if length == 240 else [name])
    assert all(f"{length} characters" in text for text in found.values())


def test_blank_required_texts_are_reported_and_optional_ones_are_not() -> None:
    """The rules demand the milestone, the stakes, the purpose and what can wait."""
    assert set(page_promise.faults(DRAFT, PhaseKind.RESULTS_SPRINT)) == {"ask"}
    assert set(page_promise.faults(DRAFT, PhaseKind.TRUST_BUILDING)) == {
        *("mistakes_fine", "mistakes_not", "listening")
    }


@pytest.mark.parametrize(("clarity", "ordinary"), [(None, False), (1, True), (2, True), (3, False)])
def test_low_clarity_marks_the_draft_as_ordinary(clarity: int | None, ordinary: bool) -> None:
    assert replace(DRAFT, answers={"clarity": clarity, "trust": 1}).is_ordinary_week is ordinary
    assert not replace(DRAFT, answers={"trust": 1}).is_ordinary_week


def test_draft_has_at_most_five_set_aside_rows() -> None:
    draft = DRAFT
    for count in (2, 3, 4, 5, 5):
        draft = draft.with_another_row()
        assert len(draft.rows) == count
        assert draft.has_room_for_row is (count < 5)


def test_new_draft_has_the_form_defaults() -> None:
    assert (DRAFT.weekday, DRAFT.time_of_day, DRAFT.remind) == (1, time(10), True)
    assert DRAFT.comments_to == "leads"
    assert not any(
        (
            DRAFT.kind_given,
            DRAFT.doubt_shown,
            DRAFT.starts_anyway,
            DRAFT.more_options,
            DRAFT.team_by_hand,
        )
    )
    assert DRAFT.rows == (Row(),)


def test_proposal_omits_empty_rows_and_leads_among_the_members() -> None:
    draft = replace(
        DRAFT,
        kind=PhaseKind.RESULTS_SPRINT,
        members=(ANA, BEN, CHIARA),
        co_leads=(ANA, CHIARA),
        rows=(Row(text="One"), Row(owner_id=BEN), Row(text="Two", owner_id=BEN)),
        texts={"milestone": "Ship", "stakes": "Much", "purpose": "x", "justification": "y"},
        weekday=3,
        time_of_day=time(9),
        remind=False,
        comments_to="team",
    )
    proposal = propose(draft)

    assert (proposal.lead_id, proposal.co_lead_ids, proposal.member_ids) == (ANA, (CHIARA,), (BEN,))
    assert proposal.set_aside == (
        SetAside(text="One", owner_id=ANA),
        SetAside(text="Two", owner_id=BEN),
    )
    assert proposal.promise == SprintPromise(stakes="Much")
    assert (proposal.starts_on, proposal.ends_on, proposal.zone) == (
        TODAY,
        ENDS_ON,
        "Europe/Lisbon",
    )
    assert (proposal.weekday, proposal.time_of_day, proposal.remind) == (3, time(9), False)
    assert (proposal.comments_to, proposal.justification) == ("team", "")
    assert propose(replace(draft, justification_request="Why?")).justification == "y"
    trust = propose(replace(draft, kind=PhaseKind.TRUST_BUILDING))
    assert trust.promise == TrustPromise(purpose="x")
    with pytest.raises(ValueError, match="without a kind"):
        propose(DRAFT)


def test_proposal_is_converted_to_row_values_roles_and_preview() -> None:
    proposal = replace(SPRINT, co_lead_ids=(BEN, HANA), justification="")
    row = values_of(proposal, NOW, WorkspaceSettings())

    assert row["justification"] is None
    assert (
        values_of(replace(proposal, justification="y"), NOW, WorkspaceSettings())["justification"]
        == "y"
    )
    assert row["original_ends_on"] == row["ends_on"] == ENDS_ON
    assert row["recovery_until"] == date(2026, 12, 22)
    assert values_of(TRUST, NOW, WorkspaceSettings())["recovery_until"] is None
    roles = roles_of(proposal)
    assert len(roles) == len(dict(roles))
    assert {one for one, role in roles if role == "lead"} == {ANA, BEN, HANA}
    settings = WorkspaceSettings(minimum_small=6, minimum_large=7)
    phase = phase_preview(proposal, {BEN: "Ben"}, NOW, settings)
    assert phase.is_active
    assert phase.settings == settings
    assert phase.reachable_leads == phase.leads
    assert [one.user_id for one in phase.leads] == [ANA, BEN, HANA]
    assert [(item.owner_name, item.outcome) for item in phase.set_aside_items] == [
        ("Ben", None),
        ("", None),
    ]
    assert not any(one.has_left for one in phase.people)
    assert {one.name for one in phase.leads} == {ANA, "Ben", HANA}


def selected(value: str | None) -> dict[str, Any]:
    return {"selected_option": {"value": value} if value else None}


@pytest.mark.parametrize(
    ("value", "level"), [("1", 1), ("5", 5), ("0", None), ("6", None), (None, None), ("x", None)]
)
def test_only_levels_from_one_to_five_are_accepted(value: str | None, level: int | None) -> None:
    values = {"start.level.ego": {page_moment.LEVEL: selected(value)}}
    assert page_moment.parse(values, DRAFT).answers == {"ego": level}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("trust_building", PhaseKind.TRUST_BUILDING),
        (None, PhaseKind.RESULTS_SPRINT),
        ("forged", PhaseKind.RESULTS_SPRINT),
    ],
)
def test_missing_or_invalid_kind_keeps_the_previous_one(value: str | None, kind: PhaseKind) -> None:
    values = {page_moment.KIND_BLOCK: {page_moment.KIND: selected(value)}}
    draft = page_moment.parse(
        values, replace(DRAFT, kind=PhaseKind.RESULTS_SPRINT, starts_anyway=True)
    )

    assert (draft.kind, draft.starts_anyway) == (kind, False)
    anyway_ticked: dict[str, Any] = {
        page_moment.ANYWAY_BLOCK: {page_moment.ANYWAY: {"selected_options": [{}]}}
    }
    assert page_moment.parse(anyway_ticked, DRAFT).starts_anyway


def test_page_2_keeps_fields_it_did_not_show_and_sanitizes_the_others() -> None:
    draft = replace(
        DRAFT,
        texts={"purpose": "kept", "ask": "old"},
        rows=(Row(text="gone", owner_id=BEN), Row(text="old")),
    )
    values = {
        "start.text.ask": {page_moment.TEXT: {"value": "  new\u0000 "}},
        "start.row.1": {page_moment.TEXT: {"value": " Two "}},
        "start.owner.1": {page_promise.OWNER: {"selected_user": CHIARA}},
    }
    parsed = page_promise.parse(values, draft)

    assert parsed.texts == {"purpose": "kept", "ask": "new"}
    assert parsed.rows == (Row(text="gone", owner_id=BEN), Row(text="Two", owner_id=CHIARA))
    assert parsed.ends_on == ENDS_ON
    day = {"start.ends_on": {page_promise.DAY: {"selected_date": "2026-12-09"}}}
    assert page_promise.parse(day, draft).ends_on == date(2026, 12, 9)


def test_options_keep_values_not_shown_and_read_those_shown() -> None:
    draft = replace(
        DRAFT, members=(BEN,), co_leads=(HANA,), weekday=4, remind=True, comments_to="team"
    )
    assert page_options.parse({}, draft) == draft
    emptied = {
        "start.members": {page_options.MEMBERS: {"selected_users": []}},
        "start.co_leads": {page_options.CO_LEADS: {"selected_users": [CHIARA]}},
        "start.weekday": {page_options.WEEKDAY: selected("2")},
        "start.time_of_day": {page_options.TIME: {"selected_time": "16:30"}},
        "start.remind": {page_options.REMIND: {"selected_options": []}},
        "start.comments_to": {page_options.COMMENTS: selected("leads")},
    }
    assert page_options.parse(emptied, draft) == replace(
        draft,
        members=(),
        team_chosen=True,
        co_leads=(CHIARA,),
        weekday=2,
        time_of_day=time(16, 30),
        remind=False,
        comments_to="leads",
    )


def test_wrap_up_form_reads_parking_dates_only_for_parked_items() -> None:
    values: dict[str, Any] = {
        name: {wrap_up_form.VALUE: {"value": f" {name} "}}
        for name in ("planned", "outcome", "reason", "learning", "thanks", f"line:{BEN}")
    }
    values[f"line:{HANA}"] = {wrap_up_form.VALUE: {"value": "  "}}
    for position, outcome in enumerate(("parked", "dropped", "parked", None)):
        values[f"outcome:{position}"] = {wrap_up_form.VALUE: selected(outcome)}
        day = None if position == 2 else "2027-01-11"
        values[f"until:{position}"] = {wrap_up_form.VALUE: {"selected_date": day}}

    wrap_up = wrap_up_form.parse(values)

    assert (wrap_up.outcome, wrap_up.learning, wrap_up.thanks) == ("outcome", "learning", "thanks")
    assert wrap_up.lines == {BEN: f"line:{BEN}"}
    assert wrap_up.decisions == {
        0: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2027, 1, 11)),
        1: ItemDecision(outcome=ItemOutcome.DROPPED),
        2: ItemDecision(outcome=ItemOutcome.PARKED),
        3: ItemDecision(outcome=ItemOutcome.RESUMED),
    }
    assert (wrap_up_form.TEXT_LIMIT, wrap_up_form.LINE_LIMIT) == (1_000, 300)
    assert extend_form.REASON_LIMIT == 500
