"""Every message with texts and numbers of people at their limits still fits in Slack."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.announcement import concern_answer_form, details_page, messages, part_messages
from bot.channel_health import messages as channel_health_messages
from bot.channel_health.failure_policy import FailureAction
from bot.ending import messages as ending_messages
from bot.habits import mistake_form
from bot.home.help import help_message, unknown_message
from bot.phases.budget import Budget, Span
from bot.phases.model import Participant, Phase, SetAsideItem
from bot.phases.rules import PhaseKind, SprintPromise, TrustPromise
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.promises.model import Reply
from bot.results.comments import comment_messages
from bot.results.messages import leads_message, team_message
from bot.rounds import messages as asking_messages
from bot.rounds import questions
from bot.rounds.model import Introduction, QuestionnaireView
from bot.rounds.rules import RoundKind
from bot.slack.content import BLOCK_COST, MESSAGE, Content, MessageTooLong, content, section, size
from bot.status import card
from bot.status.model import ChannelStatus
from bot.workspaces.messages import read_only
from bot.workspaces.rules import WorkspaceSettings
from tests.announcement.phases import SPRINT, TODAY, participant
from tests.ending.ended_phases import PICTURE, over
from tests.harness import ANA, BEN, LAUNCH
from tests.results import closed_rounds as results
from tests.status.states import state_of

#: Escaped to five characters, four, three, or not at all; with lines, words, wide characters.
SAMPLES = ("&", "<", "*", "x", "y\n", "some words ", "日", "😀")
LEADS, MEMBERS, COMMENTS = 6, 60, 40


def repeated(sample: str, length: int) -> str:
    return (sample * length)[:length]


def participants(sample: str, members: int = MEMBERS) -> tuple[Participant, ...]:
    own = {"contribution": repeated(sample, 240), "thanks_line": repeated(sample, 300)}
    name = repeated(sample, 80)
    leads = [participant(ANA, name=name)] * LEADS
    return (*leads, *[participant(BEN, name=name, **own)] * members)


def longest_phase(sample: str, kind: PhaseKind, **changes: Any) -> Phase:
    """A phase in which every text is as long as its form allows."""
    made = SprintPromise if kind is PhaseKind.RESULTS_SPRINT else TrustPromise
    promise = made(**dict.fromkeys(made.__dataclass_fields__, repeated(sample, 240)))
    items = tuple(
        SetAsideItem(
            position=n,
            text=repeated(sample, 240),
            owner_id=BEN,
            owner_name=repeated(sample, 80),
            outcome=None,
            parked_until=None,
        )
        for n in range(5)
    )
    limits = {"milestone": 240, "justification": 240, "extension_reason": 500}
    written = {name: repeated(sample, length) for name, length in limits.items()}
    phase = replace(
        SPRINT, people=participants(sample), set_aside_items=items, kind=kind, promise=promise
    )
    return replace(phase, **{**written, **changes})


def phase_messages(sample: str) -> Iterator[Content]:
    for kind in PhaseKind:
        running = longest_phase(sample, kind)
        yield messages.announcement(running, TODAY)
        yield ending_messages.warning(running)
        yield ending_messages.extended(running, repeated(sample, 80))
        labels = dict.fromkeys(results.LABELS, repeated(sample, 75))
        for phase in (running, replace(running, is_active=False)):
            yield card.card(state_of(phase, refusal_to_start=repeated(sample, 600)))
            shown = replace(results.WEEK, labels=labels)
            yield card.status(
                ChannelStatus(phase=phase, budget=Budget(spent=30), today=TODAY, results=shown)
            )
        texts = dict.fromkeys(("outcome", "learning", "thanks"), repeated(sample, 1_000))
        written = {"wrapped_up_at": datetime(2026, 12, 18, 17, tzinfo=UTC), "wrapped_up_by": ANA}
        for wrap_up in ({}, {**texts, **written}):
            picture = replace(PICTURE, alt_text="x" * 5_000)
            ended = over(running, picture=picture, **wrap_up)
            ended = replace(ended, wrap_up_author=repeated(sample, 80))
            yield messages.announcement(ended.phase, TODAY)
            yield ending_messages.closing(ended)
            yield ending_messages.wrapped_up(ended, changed=True, today=TODAY)
            yield ending_messages.ask_wrap_up(ended.phase, TODAY)
            yield ending_messages.wrap_up_received(ended)
            member = ended.phase.members[0]
            yield ending_messages.goodbye(ended, member, TODAY)
            yield ending_messages.late_line(ended, member, TODAY)
            yield channel_health_messages.channel_deleted(ended, TODAY)
    yield channel_health_messages.co_lead_unreachable(SPRINT, repeated(sample, 80))
    for undelivered in channel_health_messages.UNDELIVERED:
        why = FailureAction.REPORT
        yield channel_health_messages.undelivered(SPRINT, undelivered, why, repeated(sample, 80))
    notes = {f"{number:016x}": repeated(sample, 3_000) for number in range(12)}
    yield from part_messages.concerns_for_leads(SPRINT, notes)
    yield mistake_form.message(repeated(sample, 80), repeated(sample, 2_000))
    yield concern_answer_form.answer_message(repeated(sample, 80), repeated(sample, 2_000))
    for awaited in channel_health_messages.AWAITED:
        yield channel_health_messages.not_posted(
            SPRINT, awaited, FailureAction.MALFORMED, post_again=True
        )


def round_messages(sample: str) -> Iterator[Content]:
    name, label = repeated(sample, 80), repeated(sample, 75)
    wording_texts = {
        "label": label,
        "to_member": repeated(sample, 300),
        "to_lead": repeated(sample, 300),
    }
    words = dict.fromkeys(questions.WORDINGS, wording_texts)
    wording = questions.questions_for(PhaseKind.RESULTS_SPRINT, words)
    questionnaire = QuestionnaireView(
        round_id="r" * 32,
        phase_id="p" * 32,
        phase_kind=PhaseKind.RESULTS_SPRINT,
        kind=RoundKind.WEEKLY,
        channel_id=LAUNCH,
        to_lead=False,
        leads=(name,) * LEADS,
        minimum=5,
        questions=wording,
        closes_at=datetime(2026, 12, 4, 10, tzinfo=UTC),
        comments_to="leads",
        reply=Reply(heard=repeated(sample, 1_000), text=repeated(sample, 1_000), is_change=True),
        reply_by=name,
    )
    yield asking_messages.questions_message(questionnaire)
    yield asking_messages.questions_message(
        replace(questionnaire, leads=(name,), questions=wording)
    )
    yield asking_messages.questions_message(replace(questionnaire, to_lead=True))
    yield asking_messages.questions_message(
        replace(
            questionnaire,
            introduction=Introduction(milestone=repeated(sample, 300), ends_on=date(2026, 12, 18)),
            expectation=repeated(sample, 150),
        )
    )
    yield asking_messages.talking_points(wording)


def result_messages(sample: str) -> Iterator[Content]:
    name, label = repeated(sample, 80), repeated(sample, 75)
    comments = tuple(repeated(sample, 1_000) for _ in range(COMMENTS))
    labels = dict.fromkeys(results.LABELS, label)
    leads = [replace(participant(ANA, name=name), user_id=f"U0LEAD{n}") for n in range(LEADS)]
    phase = replace(results.PHASE, people=tuple(leads), comments_to="team")
    reflection = replace(results.OWN, name=name, shared=True)
    long = repeated(sample, 1_000)
    for promise in (None, replace(results.PROMISE, name=name, heard=long, text=long)):
        for shown_at in (None, results.TEAM_READS):
            shown = replace(results.WEEK, labels=labels, promise=promise, shown_at=shown_at)
            facts = results.showing(
                *[replace(results.START, labels=labels)] * 60,
                shown,
                phase=phase,
                reflections=(reflection,) * LEADS,
            )
            yield leads_message(facts)
            yield team_message(facts)
    yield from comment_messages(comments)


def workspace_messages(sample: str) -> Iterator[Content]:
    starters = tuple(f"U{n:010}" for n in range(100))
    for chosen in (None, starters[:40], starters):
        yield read_only(
            replace(WorkspaceSettings(), starters=chosen, default_zone=repeated(sample, 64))
        )
    yield help_message(None)
    yield unknown_message(repeated(sample, 3_000), None)
    budget = Budget(spent=30)
    span = Span(starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 2))
    yield card.budget_card(budget, [span] * 45, TODAY, TODAY)


def all_messages(sample: str) -> Iterator[Content]:
    yield from phase_messages(sample)
    yield from round_messages(sample)
    yield from result_messages(sample)
    yield from workspace_messages(sample)


@pytest.mark.parametrize("sample", SAMPLES)
def test_longest_messages_fit_slacks_limits(sample: str) -> None:
    for message in all_messages(sample):
        assert check_blocks(message.blocks, "message") == [], message.text
        assert len(message.text) <= 4_000


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("members", [MEMBERS, 1_000])
def test_longest_details_view_fits_slacks_limits(sample: str, members: int) -> None:
    for kind in PhaseKind:
        large = replace(longest_phase(sample, kind), people=participants(sample, members))
        view = details_page.build(large, TODAY).to_dict()
        assert check_view(view) == []


@pytest.mark.parametrize("sample", ["x", "some words ", "日", "😀"])
def test_typed_texts_are_not_truncated_when_little_is_escaped(sample: str) -> None:
    """Except names, and texts that are shown in full under Details."""
    outcome = repeated(sample, 990) + "End."
    texts = dict.fromkeys(("outcome", "learning", "thanks"), outcome)
    written = {"wrapped_up_at": datetime(2026, 12, 18, 17, tzinfo=UTC), "wrapped_up_by": ANA}
    ended = over(longest_phase(sample, PhaseKind.RESULTS_SPRINT, **texts, **written))
    member = replace(ended.phase.members[0], thanks_line=repeated(sample, 290) + "End.")
    for message, times in (
        (ending_messages.closing(ended), 3),
        (ending_messages.wrapped_up(ended, changed=True, today=TODAY), 3),
        (ending_messages.goodbye(ended, member, TODAY), 2),
    ):
        assert str(message.blocks).count("End.") == times


def test_oversized_message_is_truncated_at_its_longest_texts() -> None:
    made = content("first", *[section("x" * 3_000)] * 4, section("&amp;" * 500), section("short"))

    assert size(made.blocks) <= MESSAGE
    texts = [block["text"]["text"] for block in made.blocks]
    assert texts[-1] == "short"
    assert all(text.endswith("…") for text in texts[:-1])
    assert {len(text) for text in texts[:4]} == {len(texts[0])}
    assert texts[4].removesuffix("…").replace("&amp;", "") == ""
    assert MESSAGE - size(made.blocks) < 20


def test_content_over_slacks_limits_is_rejected() -> None:
    blocks = [{"type": "divider"}]
    for text, too_many in (
        ("x", blocks * 51),
        ("x", [{"type": "markdown", "text": "x" * (MESSAGE - BLOCK_COST)}]),
        ("x" * 4_001, blocks),
    ):
        with pytest.raises(MessageTooLong):
            Content(text=text, blocks=too_many)
        with pytest.raises(MessageTooLong):
            content(text, *too_many)
