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
from bot.start import page_moment, page_preview, page_promise
from bot.start.draft import Draft, Row, as_json, from_json, proposal_of
from bot.start.page_moment import LastPhase, Moment
from bot.start.page_preview import Preview
from bot.start.page_promise import PromiseFacts
from bot.start.promise_texts import REQUIRED, RICHER, is_still_example, with_example
from bot.start.wizard_views import own_questions
from tests.announcement.phases import SPRINT, SPRINT_PROMISE, TODAY, TRUST, TRUST_PROMISE
from tests.harness import ANA, BEN, CHIARA, HANA, LAUNCH
from tests.start.reading import input_count, word_count, words_to_read

MOMENT = Moment(
    draft_id="draft1",
    channel_id=LAUNCH,
    questions=own_questions({}, PhaseKind.RESULTS_SPRINT),
    budget="With this one: 15 of 90 days in results sprints.",
)
TRUST_MOMENT = replace(MOMENT, questions=own_questions({}, PhaseKind.TRUST_BUILDING), budget="")
PROMISE = PromiseFacts(draft_id="draft1", channel_id=LAUNCH, max_weeks=6)
BLANK = Draft(ends_on=date(2026, 12, 18), answers=dict.fromkeys(("clarity", "trust", "ego")))
CHOSEN = {kind: replace(BLANK, kind=kind) for kind in PhaseKind}
REQUEST = "The team is in recovery until Fri 11 Dec. Say why this can't wait."
ANSWERED = replace(
    BLANK,
    kind=PhaseKind.RESULTS_SPRINT,
    kind_given=True,
    answers={"clarity": 2, "trust": None, "ego": 5},
    doubt_shown=True,
    starts_anyway=True,
    justification_request=REQUEST,
    texts={"justification": "The date moved."},
)
FILLED = replace(
    ANSWERED,
    justification_request=None,
    texts={"milestone": "ship the beta", **{each: f"My {each}" for each in ("stakes", "ask")}}
    | {each: f"My {each}" for each in ("protected", "why_you", "give_up", "stop_if")},
    rows=(Row(text="Dark mode", owner_id=BEN), Row(text="hiring")),
)
OPENED = replace(
    FILLED,
    stop_if_on=date(2026, 12, 10),
    is_richer=True,
    more_options=True,
    team_chosen=True,
    members=(BEN, CHIARA),
    co_leads=(HANA,),
    weekday=3,
    time_of_day=time(15, 30),
    remind=False,
    comments_to="team",
)
TRUST_DRAFT = replace(
    CHOSEN[PhaseKind.TRUST_BUILDING],
    texts={each.name: f"My {each.name}" for each in REQUIRED[PhaseKind.TRUST_BUILDING]}
    | {"milestone": ""},
    rows=(Row(text="folded away", owner_id=BEN),),
    members=(),
)
LARGE = {
    kind: replace(draft, team_by_hand=True, members=(BEN,), team_chosen=True)
    for kind, draft in CHOSEN.items()
}
PREVIEW = Preview(
    draft_id="draft1", phase=SPRINT, today=TODAY, first_on=date(2026, 12, 7), warnings=()
)
MOMENTS = {"blank": BLANK, "answered, doubted": ANSWERED}
PROMISES = {
    "sprint": FILLED,
    "sprint, everything open": OPENED,
    "trust": TRUST_DRAFT,
    "sprint, large channel": replace(LARGE[PhaseKind.RESULTS_SPRINT], texts=FILLED.texts),
}
PREVIEWS = {
    "sprint": PREVIEW,
    "trust, warned": replace(PREVIEW, phase=TRUST, warnings=("Over four weeks.",)),
    "too few members, refused": replace(
        PREVIEW, phase=replace(SPRINT, people=SPRINT.people[:3]), refusal="A sprint runs here."
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
    texts = {**draft.texts, "justification": "old"} if draft.justification_request else draft.texts
    before = replace(draft, answers={}, starts_anyway=False, texts=texts)

    assert page_moment.parse(submitted(page_moment.build(MOMENT, draft)), before) == draft


@pytest.mark.parametrize("name", PROMISES)
def test_page_2_round_trips(name: str) -> None:
    draft = PROMISES[name]
    asked = [each.name for each in REQUIRED[draft.kind or PhaseKind.RESULTS_SPRINT]]
    before = replace(draft, texts={**draft.texts, **dict.fromkeys(asked, "old")})
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


@pytest.mark.parametrize("kind", PhaseKind)
def test_four_texts_are_required(kind: PhaseKind) -> None:
    """Milestone and what can wait are the rules' to demand."""
    required = [
        block
        for block in promise_view(CHOSEN[kind]).to_dict()["blocks"]
        if block["type"] == "input"
        and block["element"]["type"] == "plain_text_input"
        and not block.get("optional")
    ]
    assert len(required) == 4
    assert set(page_promise.faults(replace(CHOSEN[kind]), kind)) <= {
        block["block_id"].removeprefix("start.text.") for block in required
    }


@pytest.mark.parametrize("kind", PhaseKind)
def test_three_pages_have_at_most_250_words_to_read(kind: PhaseKind) -> None:
    phase, promise, moment = (
        (SPRINT, SPRINT_PROMISE, MOMENT)
        if kind is PhaseKind.RESULTS_SPRINT
        else (TRUST, TRUST_PROMISE, TRUST_MOMENT)
    )
    required = {each.name: getattr(promise, each.name) for each in REQUIRED[kind]}
    folded = replace(promise, **dict.fromkeys((each.name for each in RICHER[kind]), ""))  # type: ignore[arg-type]
    rows = phase.set_aside_items if phase.is_sprint else ()
    phase = replace(phase, promise=folded, set_aside_items=rows)
    typed = [*required.values(), phase.milestone, *(item.text for item in rows)]
    pages = (
        page_moment.build(moment, replace(BLANK, kind=kind)),
        promise_view(CHOSEN[kind]),
        page_preview.build(replace(PREVIEW, phase=phase)),
    )

    to_read = sum(map(words_to_read, pages)) - sum(map(word_count, typed))

    assert 150 < to_read <= 250


@pytest.mark.parametrize("kind", PhaseKind)
def test_no_page_has_more_than_six_inputs_unless_something_is_unfolded(kind: PhaseKind) -> None:
    worst = replace(
        CHOSEN[kind],
        answers={"clarity": 1},
        doubt_shown=True,
        justification_request=REQUEST,
    )
    views = [
        page_moment.build(MOMENT, worst),
        promise_view(CHOSEN[kind]),
        promise_view(LARGE[kind]),
    ]

    assert [input_count(view) for view in views] == [6, 6, 6]
    richer = promise_view(replace(CHOSEN[kind], is_richer=True))
    assert input_count(richer) > 6


@pytest.mark.parametrize("flag", ["is_richer", "more_options"])
def test_what_is_folded_again_stays_in_the_draft(flag: str) -> None:
    folds: dict[str, Any] = {flag: False}
    folded = replace(OPENED, **folds)

    assert page_promise.parse(submitted(promise_view(folded)), folded) == folded


@pytest.mark.parametrize(
    ("draft", "name", "flag"),
    [
        (CHOSEN[PhaseKind.RESULTS_SPRINT], "protected", "is_richer"),
        (CHOSEN[PhaseKind.RESULTS_SPRINT], "members", "more_options"),
        (CHOSEN[PhaseKind.TRUST_BUILDING], "set_aside", "is_richer"),
        (CHOSEN[PhaseKind.TRUST_BUILDING], "owner.0", "is_richer"),
        (LARGE[PhaseKind.TRUST_BUILDING], "milestone", "is_richer"),
        (LARGE[PhaseKind.RESULTS_SPRINT], "owner.0", "is_richer"),
        (CHOSEN[PhaseKind.RESULTS_SPRINT], "stakes", None),
    ],
)
def test_a_fault_opens_the_part_that_shows_its_field(
    draft: Draft, name: str, flag: str | None
) -> None:
    assert draft.kind is not None
    unfolded = page_promise.unfolded(draft, draft.kind, {name: "wrong"})

    opened = {each for each in ("is_richer", "more_options") if getattr(unfolded, each)}
    assert opened == ({flag} if flag else set())
    ids = [block.get("block_id") for block in promise_view(unfolded).to_dict()["blocks"]]
    assert page_promise.field_block(name) in ids


@pytest.mark.parametrize("kind", PhaseKind)
def test_example_fills_every_required_text_and_nothing_that_was_typed(kind: PhaseKind) -> None:
    typed = replace(CHOSEN[kind], wants_example=True, texts={"milestone": "Mine"})

    filled = with_example(typed, kind)

    assert filled.text("milestone") == "Mine"
    assert page_promise.faults(filled, kind) == {}
    assert bool(filled.rows[0].text) is (kind is PhaseKind.RESULTS_SPRINT)
    assert is_still_example(filled, kind)
    first = REQUIRED[kind][0].name
    assert not is_still_example(replace(filled, texts={**filled.texts, first: "Mine"}), kind)


def test_example_changes_with_the_kind() -> None:
    draft = replace(CHOSEN[PhaseKind.RESULTS_SPRINT], wants_example=True)
    sprint, trust = PhaseKind.RESULTS_SPRINT, PhaseKind.TRUST_BUILDING

    changed = with_example(replace(with_example(draft, sprint), kind=trust), trust)

    assert changed.text("milestone") == "New platform team"


@pytest.mark.parametrize(
    ("moment", "draft", "button"),
    [
        (MOMENT, BLANK, "Fill In an Example"),
        (replace(MOMENT, last=LastPhase(lesson="Say no *sooner*.")), BLANK, "Copy the Last One"),
        (replace(MOMENT, last=LastPhase()), FILLED, None),
        (MOMENT, FILLED, None),
    ],
)
def test_page_1_offers_the_last_phase_or_an_example_while_nothing_is_typed(
    moment: Moment, draft: Draft, button: str | None
) -> None:
    view = page_moment.build(moment, draft).to_dict()
    shown = [
        element["text"]["text"]
        for block in view["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["type"] == "button"
    ]

    assert check_view(view) == []
    assert shown == ([button] if button else [])
    assert ("Last time's lesson" in str(view)) is bool(moment.last and moment.last.lesson)


def test_questions_to_oneself_fit_the_kind_and_keep_a_workspaces_own_words() -> None:
    own = {"ego": {"to_lead": "Am I calm?"}, "trust": {"label": "Trust"}}

    clarity, trust, ego = own_questions(own, PhaseKind.TRUST_BUILDING)

    assert clarity.to_lead.startswith("Do I keep what's critical clear")
    assert trust.to_lead == "When it's needed, do I put trust and relationships before results?"
    assert ego.to_lead == "Am I calm?"
    (_, under_pressure, _) = own_questions(own, PhaseKind.RESULTS_SPRINT)
    assert under_pressure.to_lead.startswith("Even under pressure")


def test_error_for_a_long_text_names_its_length_and_the_limit() -> None:
    draft = replace(FILLED, texts={**FILLED.texts, "ask": "x" * 3_001})

    fault = page_promise.faults(draft, PhaseKind.RESULTS_SPRINT)["ask"]
    assert fault == "That's 3,001 characters, but only 240 fit. Shorten it a little."


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

    assert proposal_of(ANSWERED, **values).justification == "The date moved."
    assert proposal_of(replace(ANSWERED, justification_request=None), **values).justification == ""
