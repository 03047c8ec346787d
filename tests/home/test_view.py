"""Views of App Home, the help message and the form for a message link."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.checks.model import CheckKind
from bot.home import held_messages
from bot.home.help import SUBCOMMANDS, help_message, unknown_message
from bot.home.model import HeldMessage, HomeContents, PhaseSummary
from bot.home.view import INLINE, build
from bot.phases.rules import GUESTS_CANNOT_START, STARTERS_ONLY, PhaseKind
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.promises.model import PromiseOutcome
from bot.rounds.answer_changes import NOTHING_YET, Progress
from bot.rounds.model import OpenQuestionnaire
from tests.announcement.phases import SPRINT
from tests.promises.test_rules import PROMISE
from tests.rounds.test_messages import ASKING, CHECKS
from tests.status.states import state_of

LINE = PhaseSummary(
    phase_id="p" * 32,
    channel_id="C0LAUNCH",
    kind=PhaseKind.RESULTS_SPRINT,
    title="🏁 Results sprint until Fri 18 Dec: ship the beta",
    status_line="14 days left · led by Ana",
    ends_on=date(2026, 12, 18),
    is_lead=False,
    is_member=True,
    has_opted_out=False,
)
#: As long as it gets: with results, hints, and every button.
FULL_LINE = replace(
    LINE,
    is_lead=True,
    has_opted_out=True,
    results="*Results of week 2:* Clear and doable 4 of 5.",
    hints=("Room for mistakes has been low for two weeks. Tell one mistake of your own.",) * 3,
    promises=(
        replace(PROMISE, outcome=PromiseOutcome.PARTLY),
        replace(PROMISE, promise_id="p2", text="I will cancel one meeting."),
    ),
)
OPEN = OpenQuestionnaire(questionnaire=ASKING, progress=NOTHING_YET)
ANSWERED = OpenQuestionnaire(
    questionnaire=ASKING, progress=Progress(answered=frozenset({"clarity", "trust", "ego"}))
)
CHECK_OPEN = replace(
    ANSWERED, questionnaire=replace(ANSWERED.questionnaire, check=CHECKS[CheckKind.PROMISE])
)
HALF_ANSWERED = replace(OPEN, progress=Progress(answered=frozenset({"trust"})))
TO_LEAD = OpenQuestionnaire(questionnaire=replace(ASKING, to_lead=True), progress=NOTHING_YET)
HELD = HeldMessage(
    message_id="e" * 32,
    description="the announcement of a phase",
    channel_id="C0LAUNCH",
    due_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
)


def contents(**changes: Any) -> HomeContents:
    values = {"questions": (), "phases": (), "today": date(2026, 12, 4), **changes}
    return HomeContents(**values)


SHOWN = {
    "first_visit": contents(may_start=True),
    "first_visit_of_a_guest": contents(),
    "a_member": contents(questions=(OPEN,), phases=(LINE,), may_start=True),
    "half_answered": contents(questions=(HALF_ANSWERED,)),
    "check_open": contents(questions=(CHECK_OPEN,)),
    "answered": contents(questions=(ANSWERED,), phases=(replace(LINE, has_opted_out=True),)),
    "a_lead": contents(questions=(TO_LEAD,), phases=(FULL_LINE,), may_start=True),
    "a_lead_after_the_end": contents(phases=(replace(LINE, is_lead=True, is_over=True),)),
    "in_recovery": contents(
        phases=(replace(LINE, is_over=True, recovery_until=date(2026, 12, 20)),)
    ),
    "an_admin": contents(
        held=(HELD, replace(HELD, channel_id=None, description="the questions to a member")),
        held_count=5,
    ),
    "not_in_the_team": contents(phases=(replace(LINE, is_member=False),)),
}


@pytest.mark.parametrize("name", SHOWN)
def test_home_view_matches_snapshot(name: str, snapshot: SnapshotAssertion) -> None:
    view = build(SHOWN[name]).to_dict()

    assert view == snapshot(extension_class=JSONSnapshotExtension)
    assert check_view(view) == []


def test_questions_beyond_the_inline_limit_are_buttons() -> None:
    many = tuple(
        replace(OPEN, questionnaire=replace(ASKING, round_id=f"{number:032}"))
        for number in range(8)
    )
    promise = replace(PROMISE, text="&" * 1_000)
    lines = tuple(
        replace(FULL_LINE, phase_id=f"{number:032}", promises=(promise,) * 5)
        for number in range(30)
    )
    view = build(contents(questions=many, phases=lines)).to_dict()

    taps = [block for block in view["blocks"] if str(block.get("block_id")).startswith("answer:")]
    assert len(taps) == INLINE * 3
    assert check_view(view) == []


GUEST = {"is_full_member": False, "refusal_to_start": GUESTS_CANNOT_START}
NOT_A_STARTER = {"refusal_to_start": STARTERS_ONLY.format(names="Ana")}


@pytest.mark.parametrize(
    ("who", "hidden"),
    [
        ({}, set()),
        (NOT_A_STARTER, {"start"}),
        (GUEST, {"start", "poll", "extend", "end"}),
        (None, set()),  # Slack could not be asked
    ],
    ids=["member", "not a starter", "guest", "unknown"],
)
def test_help_lists_what_the_person_may_use(
    who: dict[str, Any] | None, hidden: set[str], snapshot: SnapshotAssertion
) -> None:
    message = help_message(None if who is None else state_of(None, **who))
    listed = {name for name in SUBCOMMANDS if f"/imbalance {name}`" in str(message.blocks)}

    assert message.blocks == snapshot(extension_class=JSONSnapshotExtension)
    assert check_blocks(message.blocks, "message") == []
    assert listed == set(SUBCOMMANDS) - hidden
    assert ("Starting can be shorter" in str(message.blocks)) is ("start" not in hidden)


@pytest.mark.parametrize(
    ("typed", "who", "reply"),
    [
        ("strat", {}, "Did you mean `/imbalance start`?"),
        ("statsu", {}, "Did you mean `/imbalance status`?"),
        ("pol", {}, "Did you mean `/imbalance poll`?"),
        ("exend", {"may_manage": True}, "Did you mean `/imbalance extend`?"),
        ("ned", {"may_manage": True}, "Did you mean `/imbalance end`?"),
        ("bugdet", {}, "Did you mean `/imbalance budget`?"),
        ("setings", {}, "Did you mean `/imbalance settings`?"),
        ("hlep", {}, "Did you mean `/imbalance help`?"),
        ("pizza", {}, "`/imbalance help` lists what I can do."),
        ("<!channel>", {}, "&lt;!channel&gt;"),
        ("x" * 500, {}, "…"),
        ("strat", GUEST, "Ask a full member of this workspace to start it."),
        ("strat", NOT_A_STARTER, "phases are started by Ana."),
        ("exend", GUEST, "`/imbalance help` lists what I can do."),
        ("statsu", GUEST, "Did you mean `/imbalance status`?"),
    ],
)
def test_unknown_subcommand_gets_a_suggestion_or_a_pointer_to_help(
    typed: str, who: dict[str, Any], reply: str
) -> None:
    message = unknown_message(typed, state_of(None, **who))

    assert reply in str(message.blocks)
    assert "isn't one of my commands" in message.text
    assert check_blocks(message.blocks, "message") == []


def test_member_is_not_pointed_to_a_command_for_the_leads_of_the_running_phase() -> None:
    for typed in ("pol", "exend", "ned"):
        assert "Did you mean" not in str(unknown_message(typed, state_of(SPRINT)).blocks)
        lead = state_of(SPRINT, may_manage=True)
        assert "Did you mean" in str(unknown_message(typed, lead).blocks)


def test_link_form_matches_snapshot_and_strips_the_link(snapshot: SnapshotAssertion) -> None:
    view = held_messages.build(HELD).to_dict()
    link = "https://example.slack.com/archives/C0LAUNCH/p1763892000123456"

    assert view == snapshot(extension_class=JSONSnapshotExtension)
    assert check_view(view) == []
    assert (
        held_messages.parse({held_messages.LINK: {held_messages.VALUE: {"value": f" {link}\n"}}})
        == link
    )
