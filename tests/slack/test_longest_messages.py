"""Every message at its longest: what people write, and how many they are, at every limit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from bot.announcement import messages, part_messages
from bot.channel_health import messages as channel_health_messages
from bot.channel_health.failure_policy import FailureAction
from bot.ending import messages as ending_messages
from bot.home.help import help_message, unknown_message
from bot.phases.budget import Budget, Span
from bot.phases.model import Participant, Phase, SetAsideItem
from bot.phases.rules import Kind, SprintPromise, TrustPromise
from bot.playground.fake_slack.checks import check_blocks, check_view
from bot.results.comments import in_replies
from bot.results.messages import to_leads, to_team
from bot.rounds import messages as asking_messages
from bot.rounds import questions
from bot.rounds.model import QuestionnaireView
from bot.rounds.rules import RoundKind
from bot.slack.content import BLOCK_COST, MESSAGE, Content, MessageTooLong, content, section, size
from bot.status import card
from bot.workspaces.messages import read_only
from bot.workspaces.rules import WorkspaceSettings
from tests.announcement.phases import SPRINT, TODAY, participant
from tests.ending.ended_phases import PICTURE, over
from tests.harness import ANA, BEN, LAUNCH
from tests.results import closed_rounds as results

#: Escaped to five signs, to four and to three, and not at all; lines, words, and wide letters.
SIGNS = ("&", "<", "*", "x", "y\n", "some words ", "日", "😀")
LEADS, MEMBERS, COMMENTS = 6, 60, 40


def long(sign: str, length: int) -> str:
    return (sign * length)[:length]


def people(sign: str, members: int = MEMBERS) -> tuple[Participant, ...]:
    own = {"contribution": long(sign, 240), "thanks_line": long(sign, 300)}
    name = long(sign, 80)
    leads = [participant(ANA, name=name)] * LEADS
    return (*leads, *[participant(BEN, name=name, **own)] * members)


def longest(sign: str, kind: Kind, **changes: Any) -> Phase:
    """A phase of which everything that a form takes is as long as it takes it."""
    made = SprintPromise if kind is Kind.RESULTS_SPRINT else TrustPromise
    promise = made(**dict.fromkeys(made.__dataclass_fields__, long(sign, 240)))
    items = tuple(
        SetAsideItem(
            position=n,
            text=long(sign, 240),
            owner_id=BEN,
            owner_name=long(sign, 80),
            outcome=None,
            parked_until=None,
        )
        for n in range(5)
    )
    texts = {"milestone": 240, "justification": 240, "extension_reason": 500}
    written = {name: long(sign, length) for name, length in texts.items()}
    phase = replace(SPRINT, people=people(sign), items=items, kind=kind, promise=promise)
    return replace(phase, **{**written, **changes})


def of_a_phase(sign: str) -> Iterator[Content]:
    for kind in Kind:
        running = longest(sign, kind)
        yield messages.announcement(running, TODAY)
        yield ending_messages.warning(running)
        yield ending_messages.longer(running, long(sign, 80))
        glance = card.ChannelStatus(
            channel_id=LAUNCH,
            phase=running,
            last=None,
            budget=Budget(spent=30),
            today=TODAY,
            manages=True,
            may_start=True,
        )
        yield card.card(glance)
        words = dict.fromkeys(("outcome", "learning", "thanks"), long(sign, 1_000))
        written = {"wrapped_up_at": datetime(2026, 12, 18, 17, tzinfo=UTC), "wrapped_up_by": ANA}
        for said in ({}, {**words, **written}):
            picture = replace(PICTURE, alt_text="x" * 5_000)
            ended = replace(over(running, picture=picture, **said), picture_is_newer=True)
            ended = replace(ended, writer=long(sign, 80))
            yield messages.announcement(ended.phase, TODAY)
            yield ending_messages.closing(ended)
            yield ending_messages.wrapped_up(ended, changed=True, today=TODAY)
            yield ending_messages.ask_wrap_up(ended.phase, TODAY)
            yield ending_messages.written(ended)
            member = ended.phase.members[0]
            yield ending_messages.goodbye(ended, member, TODAY)
            yield ending_messages.late_line(ended, member, TODAY)
            yield channel_health_messages.channel_deleted(ended, TODAY)
    yield channel_health_messages.leads_alone(SPRINT, long(sign, 80))
    for undelivered in channel_health_messages.UNDELIVERED:
        why = FailureAction.UNSAID
        yield channel_health_messages.undelivered(SPRINT, undelivered, why, long(sign, 80))
    yield from part_messages.concerns_for_leads(LAUNCH, [long(sign, 3_000)] * 12)
    for awaited in channel_health_messages.AWAITED:
        yield channel_health_messages.not_said(
            SPRINT, awaited, FailureAction.DEFECT, post_again=True
        )


def of_a_round(sign: str) -> Iterator[Content]:
    name, label = long(sign, 80), long(sign, 75)
    words = {"label": label, "to_member": long(sign, 300), "to_lead": long(sign, 300)}
    wording = questions.reworded(dict.fromkeys(questions.KEYS, words))
    asking = QuestionnaireView(
        round_id="r" * 32,
        kind=RoundKind.WEEKLY,
        channel_id=LAUNCH,
        to_lead=False,
        leads=(name,) * LEADS,
        members=(name,) * 30,
        asked=1_000,
        minimum=5,
        questions=wording,
        closes_at=datetime(2026, 12, 4, 10, tzinfo=UTC),
        comments_to="leads",
        note=long(sign, 1_000),
    )
    yield asking_messages.ask(asking)
    yield asking_messages.ask(replace(asking, leads=(name,), questions=wording))
    yield asking_messages.ask(replace(asking, to_lead=True))
    yield asking_messages.talking_points(wording)


def of_results(sign: str) -> Iterator[Content]:
    name, label = long(sign, 80), long(sign, 75)
    comments = tuple(long(sign, 1_000) for _ in range(COMMENTS))
    labels = dict.fromkeys(results.LABELS, label)
    leads = [replace(participant(ANA, name=name), user_id=f"U0LEAD{n}") for n in range(LEADS)]
    phase = replace(results.PHASE, people=tuple(leads), comments_to="team")
    reflection = replace(results.OWN, name=name, shared=True)
    for note in (None, long(sign, 1_000)):
        for shown_at in (None, results.TEAM_READS):
            shown = replace(
                results.WEEK, labels=labels, note=note, noted_by=name, shown_at=shown_at
            )
            facts = results.showing(
                *[replace(results.START, labels=labels)] * 60,
                shown,
                phase=phase,
                reflections=(reflection,) * LEADS,
                comments=comments,
            )
            yield to_leads(facts)
            yield to_team(facts)
    yield from in_replies(comments)


def of_the_workspace(sign: str) -> Iterator[Content]:
    starters = tuple(f"U{n:010}" for n in range(100))
    for some in (None, starters[:40], starters):
        yield read_only(replace(WorkspaceSettings(), starters=some, default_zone=long(sign, 64)))
    yield help_message()
    yield unknown_message(long(sign, 3_000))
    budget = Budget(spent=30)
    span = Span(starts_on=date(2026, 11, 1), ends_on=date(2026, 11, 2))
    yield card.budget_card(budget, [span] * 45, TODAY, TODAY)


def everything(sign: str) -> Iterator[Content]:
    yield from of_a_phase(sign)
    yield from of_a_round(sign)
    yield from of_results(sign)
    yield from of_the_workspace(sign)


@pytest.mark.parametrize("sign", SIGNS)
def test_slack_would_take_every_message_at_its_longest(sign: str) -> None:
    for message in everything(sign):
        assert check_blocks(message.blocks, "message") == [], message.text
        assert len(message.text) <= 4_000


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("members", [MEMBERS, 1_000])
def test_slack_would_take_the_details_at_their_longest(sign: str, members: int) -> None:
    for kind in Kind:
        large = replace(longest(sign, kind), people=people(sign, members))
        view = part_messages.details(large, TODAY).to_dict()
        assert check_view(view) == []


@pytest.mark.parametrize("sign", ["x", "some words ", "日", "😀"])
def test_nothing_that_people_write_is_cut_where_little_of_it_is_escaped(sign: str) -> None:
    """Names may be, and what stands in full under Details."""
    outcome = long(sign, 990) + "End."
    words = dict.fromkeys(("outcome", "learning", "thanks"), outcome)
    written = {"wrapped_up_at": datetime(2026, 12, 18, 17, tzinfo=UTC), "wrapped_up_by": ANA}
    ended = over(longest(sign, Kind.RESULTS_SPRINT, **words, **written))
    member = replace(ended.phase.members[0], thanks_line=long(sign, 290) + "End.")
    for message, times in (
        (ending_messages.closing(ended), 3),
        (ending_messages.wrapped_up(ended, changed=True, today=TODAY), 3),
        (ending_messages.goodbye(ended, member, TODAY), 2),
    ):
        assert str(message.blocks).count("End.") == times


def test_what_is_too_long_as_a_whole_is_cut_where_it_is_longest() -> None:
    made = content("first", *[section("x" * 3_000)] * 4, section("&amp;" * 500), section("short"))

    assert size(made.blocks) <= MESSAGE
    texts = [block["text"]["text"] for block in made.blocks]
    assert texts[-1] == "short"
    assert all(text.endswith("…") for text in texts[:-1])
    assert {len(text) for text in texts[:4]} == {len(texts[0])}
    assert texts[4].removesuffix("…").replace("&amp;", "") == ""
    assert MESSAGE - size(made.blocks) < 20


def test_a_message_that_slack_would_refuse_cannot_be_made() -> None:
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
