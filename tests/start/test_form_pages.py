"""The pages of the start form: content, round trip of their input, and required texts."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from slack_sdk.models.views import View
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.phases.rules import PhaseKind
from bot.playground.fake_slack.checks import check_view
from bot.playground.fake_slack.forms import state_values
from bot.rounds.questions import QUESTIONS, about_leads
from bot.start import page_moment, page_preview, page_promise
from bot.start.draft import Draft, Row, as_json, from_json, proposal_of
from bot.start.page_moment import Moment
from bot.start.page_preview import Preview
from bot.start.page_promise import FIELDS, PromiseFacts
from tests.announcement.phases import SPRINT, TODAY, TRUST
from tests.harness import ANA, BEN, CHIARA, HANA, LAUNCH

MOMENT = Moment(
    draft_id="draft1",
    channel_id=LAUNCH,
    questions=QUESTIONS,
    budget="With this one: 15 of 90 days in results sprints.",
)
PROMISE = PromiseFacts(draft_id="draft1", channel_id=LAUNCH, budget=MOMENT.budget, max_weeks=6)
BLANK = Draft(ends_on=date(2026, 12, 18), answers=dict.fromkeys(("clarity", "trust", "ego")))
ANSWERED = replace(
    BLANK,
    kind=PhaseKind.RESULTS_SPRINT,
    kind_given=True,
    answers={"clarity": 2, "trust": None, "ego": 5},
    doubt_shown=True,
    starts_anyway=True,
)
FILLED = replace(
    ANSWERED,
    texts={"milestone": "ship the beta", **{each: f"My {each}" for each in ("stakes", "ask")}}
    | {each: f"My {each}" for each in ("protected", "why_you", "give_up")},
    rows=(Row(text="Dark mode", owner_id=BEN), Row(text="hiring")),
)
OPENED = replace(
    FILLED,
    texts={**FILLED.texts, "justification": "The date moved."},
    justification_request=(
        "Nothing was started: the last sprint ended Fri 20 Nov. Write why it is worth it."
    ),
    more_options=True,
    members=(BEN, CHIARA),
    co_leads=(HANA,),
    weekday=3,
    time_of_day=time(15, 30),
    remind=False,
    comments_to="team",
)
TRUST_DRAFT = replace(
    BLANK,
    kind=PhaseKind.TRUST_BUILDING,
    texts={each.name: f"My {each.name}" for each in FIELDS[PhaseKind.TRUST_BUILDING]}
    | {"milestone": ""},
    members=(),
    team_by_hand=True,
)
PREVIEW = Preview(
    draft_id="draft1",
    phase=SPRINT,
    today=TODAY,
    first_on=date(2026, 12, 7),
    questions=about_leads(["Ana"]),
    warnings=(),
)
MOMENTS = {"blank": BLANK, "answered, doubted": ANSWERED}
PROMISES = {"sprint": FILLED, "sprint with all options": OPENED, "trust": TRUST_DRAFT}
PREVIEWS = {
    "sprint": PREVIEW,
    "trust, warned": replace(PREVIEW, phase=TRUST, warnings=("Over four weeks.",)),
    "too few members, refused": replace(
        PREVIEW,
        phase=replace(SPRINT, people=SPRINT.people[:3]),
        refusal="Nothing was started: a sprint runs here.",
    ),
}


def submitted(view: View) -> dict[str, Any]:
    """Return what Slack sends if the page is submitted as shown."""
    shown = view.to_dict()
    assert check_view(shown) == []
    return state_values(shown["blocks"], {})


def promise_view(draft: Draft) -> View:
    assert draft.kind is not None
    return page_promise.build(PROMISE, draft, draft.kind)


@pytest.mark.parametrize("name", MOMENTS)
def test_page_1_round_trips(name: str) -> None:
    draft = MOMENTS[name]
    before = replace(draft, answers={}, starts_anyway=False)

    assert page_moment.parse(submitted(page_moment.build(MOMENT, draft)), before) == draft


@pytest.mark.parametrize("name", PROMISES)
def test_page_2_round_trips(name: str) -> None:
    draft = PROMISES[name]
    before = replace(draft, texts={}, rows=tuple(Row() for _ in draft.rows))
    if draft.more_options:
        before = replace(before, members=(), co_leads=(), remind=True, weekday=0)

    assert page_promise.parse(submitted(promise_view(draft)), before) == draft


@pytest.mark.parametrize("name", PROMISES)
def test_draft_round_trips_through_json(name: str) -> None:
    assert from_json(as_json(PROMISES[name])) == PROMISES[name]


@pytest.mark.parametrize("name", MOMENTS)
def test_page_1_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = page_moment.build(MOMENT, MOMENTS[name]).to_dict()

    assert view == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", PROMISES)
def test_page_2_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    assert promise_view(PROMISES[name]).to_dict() == snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", PREVIEWS)
def test_page_3_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = page_preview.build(PREVIEWS[name]).to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_confirmation_matches_snapshot(snapshot: SnapshotAssertion) -> None:
    view = page_preview.done(SPRINT, date(2026, 12, 7)).to_dict()
    assert check_view(view) == []

    assert view == snapshot.use_extension(JSONSnapshotExtension)


def test_private_metadata_holds_only_the_draft_id() -> None:
    for view in (page_moment.build(MOMENT, ANSWERED), promise_view(OPENED)):
        assert view.private_metadata == "draft1"


def test_preview_has_only_a_back_button() -> None:
    blocks = page_preview.build(PREVIEW).to_dict()["blocks"]

    action_ids = [
        one["action_id"]
        for block in blocks
        for one in block.get("elements", [])
        if "action_id" in one
    ]
    assert action_ids == ["phase.start.back"]


def test_every_promise_text_is_required() -> None:
    for kind in PhaseKind:
        draft = replace(BLANK, kind=kind, texts={"stakes": " "})
        names = {each.name for each in FIELDS[kind]}

        assert names - {"stakes"} <= set(page_promise.faults(draft, kind))


def test_error_for_a_long_text_names_its_length_and_the_limit() -> None:
    draft = replace(FILLED, texts={**FILLED.texts, "ask": "x" * 3_001})

    fault = page_promise.faults(draft, PhaseKind.RESULTS_SPRINT)["ask"]
    assert fault == "Nothing was started: this has 3,001 characters, and 240 fit. Shorten it."


def test_lead_owns_set_aside_items_without_an_owner() -> None:
    proposal = proposal_of(
        replace(OPENED, members=(ANA, BEN, HANA)),
        channel_id=LAUNCH,
        lead_id=ANA,
        zone="UTC",
        today=TODAY,
    )

    assert [item.owner_id for item in proposal.set_aside] == [BEN, ANA]
    assert proposal.member_ids == (BEN,)
    assert proposal.lead_ids == (ANA, HANA)


def test_justification_is_used_only_if_requested() -> None:
    values: dict[str, Any] = {"channel_id": LAUNCH, "lead_id": ANA, "zone": "UTC", "today": TODAY}

    assert proposal_of(OPENED, **values).justification == "The date moved."
    assert proposal_of(replace(OPENED, justification_request=None), **values).justification == ""
