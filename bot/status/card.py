"""The status card of a channel, with the buttons that currently apply, and its budget."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from slack_sdk.models.blocks import Block

from bot.agenda.slots import working_day_after
from bot.announcement.messages import DETAILS, MY_PART, promise_lines, questions_line, status_line
from bot.channel_health.messages import TRY_AGAIN
from bot.dates import day, days
from bot.ending.messages import EXTEND, WRAP_UP
from bot.history.history_page import HISTORY
from bot.phases.budget import SHARE, Budget, Span
from bot.phases.model import Phase
from bot.phases.rules import PhaseKind
from bot.phases.wording import EMOJI, NAMES, title
from bot.rounds.poll import POLL
from bot.slack.content import Content, actions, button, content, context, paragraphs, section
from bot.start.wizard import START

SHORT = 120

NOTHING = "No phase runs in this channel."
LAST = "The last one: {emoji} {name}, ended {day}."
NEVER = "None has run here yet."
NOT_WRAPPED = "It is not wrapped up yet: the channel has not read what it brought."
BUDGET_TITLE = "Results sprints in this channel"
COUNTED = "• {first} to {last}: {days}"
NONE_COUNTED = "No sprint counts in these 90 days."
FREE = "A sprint of two weeks fits without a justification from {day} on."
FREE_NOW = "A sprint of two weeks fits now without a justification."
RESTING = "Recovery: no new sprint is planned before {day}."
A_THIRD, PERCENT = "a third", "{percent:.0f} %"
WHY = (
    "Past {share} of 90 days, starting one more needs a justification that the announcement "
    "prints. When everything is critical all the time, nothing is."
)


@dataclass(frozen=True, kw_only=True)
class ChannelStatus:
    """A channel's state as one person sees it. Days are those where its lead lives."""

    channel_id: str
    phase: Phase | None  # the running phase, if any
    last_phase: Phase | None  # the latest ended phase if none is running
    budget: Budget
    today: date
    may_manage: bool  # whether the person may extend and end it
    may_start: bool


def card(status: ChannelStatus) -> Content:
    """Build the reply to the bare command and to `status`."""
    return _running(status, status.phase) if status.phase else _idle(status)


def budget_card(budget: Budget, sprints: Sequence[Span], free: date, today: date) -> Content:
    """Build the reply to `budget`: the sprints that count, and when the next one fits."""
    lines = [
        COUNTED.format(
            first=day(sprint.starts_on), last=day(sprint.ends_on), days=days(sprint.days)
        )
        for sprint in sprints
    ]
    availability = FREE_NOW if free <= today else FREE.format(day=day(free))
    return content(
        BUDGET_TITLE,
        section(f"*{BUDGET_TITLE}*\n{budget.sentence}"),
        section("\n".join(lines or [NONE_COUNTED])),
        section(availability),
        context(WHY.format(share=_share(budget))),
    )


def _running(status: ChannelStatus, phase: Phase) -> Content:
    blocks: list[Block] = [
        section(f"*{title(phase, 300)}*\n{status_line(phase, status.today)}"),
        *paragraphs([*promise_lines(phase, SHORT), questions_line(phase)]),
    ]
    if phase.kind is PhaseKind.RESULTS_SPRINT:
        blocks.append(context(status.budget.sentence))
    buttons = [
        button("Details", DETAILS, phase.phase_id),
        button("My Part", MY_PART, phase.phase_id),
    ]
    if status.may_manage:
        buttons += [
            button("Try again", TRY_AGAIN, phase.phase_id)
            if phase.is_paused
            else button("Ask now", POLL, status.channel_id),
            button("Extend", EXTEND, phase.phase_id),
            button("End", WRAP_UP, phase.phase_id),
        ]
    buttons.append(button("History", HISTORY, status.channel_id))
    return content(title(phase), *blocks, actions(*buttons))


def _idle(status: ChannelStatus) -> Content:
    last = status.last_phase
    lines = [NEVER]
    buttons = []
    if status.may_start:
        buttons.append(button("Start a phase", START, status.channel_id, style="primary"))
    if last is not None and last.ended_at is not None:
        ended_on = day(last.day_of(last.ended_at))
        name = NAMES[last.kind]
        lines = [LAST.format(emoji=EMOJI[last.kind], name=name, day=ended_on)]
        buttons.append(button("Details", DETAILS, last.phase_id))
        if last.wrapped_up_at is None and status.may_manage:
            lines.append(NOT_WRAPPED)
            buttons.append(button("Wrap up", WRAP_UP, last.phase_id))
        buttons.append(button("History", HISTORY, status.channel_id))
    lines += _resting(status)
    text = "\n".join([f"*{NOTHING}*", *lines])
    blocks: list[Block] = [section(text), context(status.budget.sentence)]
    return content(NOTHING, *blocks, *([actions(*buttons)] if buttons else []))


def _resting(status: ChannelStatus) -> Iterable[str]:
    until = status.last_phase.recovery_until if status.last_phase else None
    if until is not None and status.today <= until:
        yield RESTING.format(day=day(working_day_after(until)))


def _share(budget: Budget) -> str:
    return A_THIRD if budget.allowed == SHARE else PERCENT.format(percent=budget.allowed * 100)
