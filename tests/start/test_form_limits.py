"""What the forms of a phase take at most, and what becomes of what was typed."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest

from bot.ending import extend_form, wrap_up_form
from bot.ending.wrap_up_form import ItemDecision
from bot.phases.model import ItemOutcome
from bot.phases.rules import Kind, Proposal, SetAside, SprintPromise, TrustPromise
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


def proposed(draft: Draft) -> Proposal:
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
def test_questions_go_out_by_day_and_five_may_co_lead(
    changed: dict[str, Any], field: str | None
) -> None:
    assert list(page_options.faults(replace(DRAFT, **changed))) == ([field] if field else [])


@pytest.mark.parametrize("length", [240, 241])
@pytest.mark.parametrize("name", [*TEXTS, "milestone", "set_aside"])
def test_each_text_of_the_promise_has_at_most_240_characters(name: str, length: int) -> None:
    texts = dict.fromkeys((*TEXTS, "milestone"), "x")
    rows: tuple[Row, ...] = (Row(text="x"),)
    if name == "set_aside":
        rows = (Row(text="x"), Row(text="x" * length))
    else:
        texts[name] = "x" * length

    found = page_promise.faults(replace(DRAFT, texts=texts, rows=rows), Kind.RESULTS_SPRINT)

    assert list(found) == ([] if length == 240 else [name])
    assert all(f"{length} characters" in text for text in found.values())


def test_what_is_empty_is_missed_but_the_milestone_of_trust_building() -> None:
    for kind, names in ((Kind.RESULTS_SPRINT, TEXTS), (Kind.TRUST_BUILDING, ())):
        found = page_promise.faults(DRAFT, kind)
        assert "milestone" not in found  # the rules ask for it where it is needed
        assert set(names) <= set(found)
        assert len(found) == (5 if kind is Kind.RESULTS_SPRINT else 6)


@pytest.mark.parametrize(("clarity", "ordinary"), [(None, False), (1, True), (2, True), (3, False)])
def test_an_unclear_goal_is_an_ordinary_week(clarity: int | None, ordinary: bool) -> None:
    assert replace(DRAFT, answers={"clarity": clarity, "trust": 1}).is_ordinary is ordinary
    assert not replace(DRAFT, answers={"trust": 1}).is_ordinary


def test_at_most_five_things_wait() -> None:
    draft = DRAFT
    for count in (2, 3, 4, 5, 5):
        draft = draft.with_another_row()
        assert len(draft.rows) == count
        assert draft.has_room is (count < 5)


def test_a_new_draft_has_the_defaults_of_the_form() -> None:
    assert (DRAFT.weekday, DRAFT.time_of_day, DRAFT.remind) == (1, time(10), True)
    assert DRAFT.comments_to == "leads"
    assert not any((DRAFT.kind_given, DRAFT.doubted, DRAFT.anyway, DRAFT.more, DRAFT.choose_team))
    assert DRAFT.rows == (Row(),)


def test_what_is_proposed_leaves_out_who_leads_and_what_is_empty() -> None:
    draft = replace(
        DRAFT,
        kind=Kind.RESULTS_SPRINT,
        members=(ANA, BEN, CHIARA),
        co_leads=(ANA, CHIARA),
        rows=(Row(text="One"), Row(owner_id=BEN), Row(text="Two", owner_id=BEN)),
        texts={"milestone": "Ship", "stakes": "Much", "purpose": "x", "justification": "y"},
        weekday=3,
        time_of_day=time(9),
        remind=False,
        comments_to="team",
    )
    said = proposed(draft)

    assert (said.lead_id, said.co_lead_ids, said.member_ids) == (ANA, (CHIARA,), (BEN,))
    assert said.set_aside == (
        SetAside(text="One", owner_id=ANA),
        SetAside(text="Two", owner_id=BEN),
    )
    assert said.promise == SprintPromise(stakes="Much")
    assert (said.starts_on, said.ends_on, said.zone) == (TODAY, ENDS_ON, "Europe/Lisbon")
    assert (said.weekday, said.time_of_day, said.remind) == (3, time(9), False)
    assert (said.comments_to, said.justification) == ("team", "")
    assert proposed(replace(draft, justify="Why?")).justification == "y"
    trust = proposed(replace(draft, kind=Kind.TRUST_BUILDING))
    assert trust.promise == TrustPromise(purpose="x")
    with pytest.raises(ValueError, match="without a kind"):
        proposed(DRAFT)


def test_what_is_kept_of_a_proposal_and_who_is_what() -> None:
    both = replace(SPRINT, co_lead_ids=(BEN, HANA), justification="")
    kept = values_of(both, NOW)

    assert kept["justification"] is None
    assert values_of(replace(both, justification="y"), NOW)["justification"] == "y"
    assert kept["first_ends_on"] == kept["ends_on"] == ENDS_ON
    assert kept["recovery_until"] == date(2026, 12, 22)
    assert values_of(TRUST, NOW)["recovery_until"] is None
    roles = roles_of(both)
    assert len(roles) == len(dict(roles))
    assert {one for one, role in roles if role == "lead"} == {ANA, BEN, HANA}
    settings = WorkspaceSettings(minimum_small=6, minimum_large=7)
    phase = phase_preview(both, {BEN: "Ben"}, NOW, settings)
    assert phase.is_active
    assert phase.settings == settings
    assert phase.reachable_leads == phase.leads
    assert [one.user_id for one in phase.leads] == [ANA, BEN, HANA]
    assert [(item.owner_name, item.outcome) for item in phase.items] == [("Ben", None), ("", None)]
    assert not any(one.has_left for one in phase.people)
    assert {one.name for one in phase.leads} == {ANA, "Ben", HANA}


def chosen(value: str | None) -> dict[str, Any]:
    return {"selected_option": {"value": value} if value else None}


@pytest.mark.parametrize(
    ("value", "level"), [("1", 1), ("5", 5), ("0", None), ("6", None), (None, None), ("x", None)]
)
def test_only_levels_from_one_to_five_are_taken(value: str | None, level: int | None) -> None:
    values = {"start.level.ego": {page_moment.LEVEL: chosen(value)}}
    assert page_moment.parse(values, DRAFT).answers == {"ego": level}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("trust_building", Kind.TRUST_BUILDING),
        (None, Kind.RESULTS_SPRINT),
        ("forged", Kind.RESULTS_SPRINT),
    ],
)
def test_a_kind_that_was_not_chosen_or_is_none_stays(value: str | None, kind: Kind) -> None:
    values = {page_moment.KIND_BLOCK: {page_moment.KIND: chosen(value)}}
    draft = page_moment.parse(values, replace(DRAFT, kind=Kind.RESULTS_SPRINT, anyway=True))

    assert (draft.kind, draft.anyway) == (kind, False)
    ticked: dict[str, Any] = {
        page_moment.ANYWAY_BLOCK: {page_moment.ANYWAY: {"selected_options": [{}]}}
    }
    assert page_moment.parse(ticked, DRAFT).anyway


def test_what_page_2_did_not_ask_stays_and_what_it_asked_is_cleaned() -> None:
    draft = replace(
        DRAFT, texts={"purpose": "kept", "ask": "old"}, rows=(Row(text="gone", owner_id=BEN), Row())
    )
    values = {
        "start.text.ask": {page_promise.TEXT: {"value": "  new\u0000 "}},
        "start.row.1": {page_promise.TEXT: {"value": " Two "}},
        "start.owner.1": {page_promise.OWNER: {"selected_user": CHIARA}},
    }
    parsed = page_promise.parse(values, draft)

    assert parsed.texts == {"purpose": "kept", "ask": "new"}
    assert parsed.rows == (Row(), Row(text="Two", owner_id=CHIARA))
    assert parsed.ends_on == ENDS_ON
    day = {"start.ends_on": {page_promise.DAY: {"selected_date": "2026-12-09"}}}
    assert page_promise.parse(day, draft).ends_on == date(2026, 12, 9)


def test_options_that_were_not_open_stay_and_those_that_were_are_taken() -> None:
    draft = replace(
        DRAFT, members=(BEN,), co_leads=(HANA,), weekday=4, remind=True, comments_to="team"
    )
    assert page_options.parse({}, draft) == draft
    emptied = {
        "start.members": {page_options.MEMBERS: {"selected_users": []}},
        "start.co_leads": {page_options.CO_LEADS: {"selected_users": [CHIARA]}},
        "start.weekday": {page_options.WEEKDAY: chosen("2")},
        "start.time_of_day": {page_options.TIME: {"selected_time": "16:30"}},
        "start.remind": {page_options.REMIND: {"selected_options": []}},
        "start.comments_to": {page_options.COMMENTS: chosen("leads")},
    }
    assert page_options.parse(emptied, draft) == replace(
        draft,
        members=(),
        co_leads=(CHIARA,),
        weekday=2,
        time_of_day=time(16, 30),
        remind=False,
        comments_to="leads",
    )


def test_a_day_to_park_until_counts_where_the_work_is_parked() -> None:
    values: dict[str, Any] = {
        name: {wrap_up_form.VALUE: {"value": f" {name} "}}
        for name in ("outcome", "learning", "thanks", f"line:{BEN}")
    }
    values[f"line:{HANA}"] = {wrap_up_form.VALUE: {"value": "  "}}
    for position, outcome in enumerate(("parked", "dropped", "parked", None)):
        values[f"outcome:{position}"] = {wrap_up_form.VALUE: chosen(outcome)}
        day = None if position == 2 else "2027-01-11"
        values[f"until:{position}"] = {wrap_up_form.VALUE: {"selected_date": day}}

    said = wrap_up_form.parse(values)

    assert (said.outcome, said.learning, said.thanks) == ("outcome", "learning", "thanks")
    assert said.lines == {BEN: f"line:{BEN}"}
    assert said.decisions == {
        0: ItemDecision(outcome=ItemOutcome.PARKED, until=date(2027, 1, 11)),
        1: ItemDecision(outcome=ItemOutcome.DROPPED),
        2: ItemDecision(outcome=ItemOutcome.PARKED),
        3: ItemDecision(outcome=ItemOutcome.RESUMED),
    }
    assert (wrap_up_form.TEXT_LIMIT, wrap_up_form.LINE_LIMIT) == (1_000, 300)
    assert extend_form.REASON_LIMIT == 500
