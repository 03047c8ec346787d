"""The reply to the bare command, with the buttons that make sense now; the status; the budget."""

from collections.abc import Sequence
from datetime import date

from slack_sdk.models.blocks import Block

from bot.announcement.messages import (
    BUTTONS,
    DETAILS,
    ON_HOLD,
    ON_HOLD_BUTTON,
    on_hold_lines,
    recovery_lines,
    status_line,
    team_buttons,
)
from bot.channel_health.messages import TRY_AGAIN
from bot.dates import day, days
from bot.ending.messages import EXTEND, WRAP_UP
from bot.history.history_page import BUTTON as HISTORY_BUTTON
from bot.history.history_page import HISTORY
from bot.phases.budget import SHARE, Budget, Span
from bot.phases.model import Phase
from bot.phases.rules import recovery_until
from bot.phases.wording import EMOJI, KIND_SENTENCES, NAMES, title
from bot.results.summary import results_line
from bot.rounds.poll import POLL
from bot.slack.content import Content, actions, button, content, context, paragraphs, section
from bot.slack.mrkdwn import date_token
from bot.start.wizard import START
from bot.status.model import ChannelState, ChannelStatus, NextQuestions

#: Action id of *Status*; the button carries the channel.
STATUS = "status.show"
SHORT = 240

NOTHING = "No phase is running in this channel."
KIND = "{emoji} *{name}:* {sentence}"
LAST = "The last one: {emoji} {name}, ended on {day}."
NEVER = "None has run here yet."
NOT_WRAPPED = (
    "{emoji} {name} ended on {day} and isn't wrapped up yet. The channel is waiting for it."
)
OPEN_UNTIL = "*Questions:* Open now, until {until}."
NEXT_ON = "*Next questions:* {day}."
TALK_ON = "*Next questions:* {day}, here in the channel, to talk about together."
NO_MORE = "*Next questions:* None before the end."
PAUSED = "*Next questions:* None until I can post in this channel again."
NO_RESULTS = "*Results:* None yet."

BUDGET_TITLE = "Results sprints in this channel"
COUNTED = "• {first} to {last}: {days}"
NONE_COUNTED = "No sprint in these 90 days."
FREE = "A two-week sprint needs no extra reason from {day} on."
FREE_NOW = "A two-week sprint needs no extra reason now."
RESTING = "*Recovery:* No new sprint before {day}."
RECOVERY = "*Recovery:* Until {day}. A sprint that starts sooner needs a reason, too."
A_THIRD, PERCENT = "a third", "{percent:.0f}%"
WHY = (
    "Once sprints take more than {share} of 90 days, starting another needs a reason, which the "
    "channel will see. When everything is critical all the time, nothing is."
)


def card(state: ChannelState) -> Content:
    """Build the reply to the bare command: where the channel stands, and what can be done now."""
    return _running(state, state.running) if state.running else _idle(state)


def status(facts: ChannelStatus) -> Content:
    """Build the reply to `status`: what is now and what comes next."""
    phase = facts.phase
    if phase is None:
        return content(NOTHING, section(f"*{NOTHING}*\n{NEVER}"), context(facts.budget.sentence))
    results = [results_line(facts.results)] if facts.results else []
    if phase.is_active:
        heading = f"*{title(phase, 300)}*\n{status_line(phase, facts.today)}"
        lines = [*(results or _no_results(phase)), _next_questions(phase, facts.questions)]
        lines += [*on_hold_lines(phase, SHORT), *recovery_lines(phase, SHORT)]
        lines += [] if phase.is_sprint else _resting(facts, phase)
        first, is_budget_shown = title(phase), phase.is_sprint
    else:
        heading = f"*{NOTHING}*\n{_named(LAST, phase)}"
        lines = [*results, *_follow_up(phase, facts.questions), *_resting(facts, phase)]
        first, is_budget_shown = NOTHING, True
    blocks: list[Block] = [section(heading), *paragraphs(lines)]
    if is_budget_shown:
        blocks.append(context(facts.budget.sentence))
    return content(first, *blocks, actions(*_buttons(phase)))


def _buttons(phase: Phase) -> list[object]:
    return [
        button(BUTTONS[DETAILS], DETAILS, phase.phase_id),
        button(HISTORY_BUTTON, HISTORY, phase.channel_id),
    ]


def budget_card(budget: Budget, sprints: Sequence[Span], free: date, today: date) -> Content:
    """Build the reply to `budget`: the sprints that count, and when the next one fits."""
    lines = [
        COUNTED.format(
            first=day(sprint.starts_on), last=day(sprint.ends_on), days=days(sprint.days)
        )
        for sprint in sprints
    ]
    availability = FREE_NOW if free <= today else FREE.format(day=day(free, today))
    return content(
        BUDGET_TITLE,
        section(f"*{BUDGET_TITLE}*\n{budget.sentence}"),
        section("\n".join([*(lines or [NONE_COUNTED]), *_recovery(sprints, today)])),
        section(availability),
        context(WHY.format(share=_share(budget))),
    )


def _recovery(sprints: Sequence[Span], today: date) -> list[str]:
    until = max(map(recovery_until, sprints), default=None)
    return [RECOVERY.format(day=day(until, today))] if until and until >= today else []


def _running(state: ChannelState, phase: Phase) -> Content:
    buttons = [
        button("Status", STATUS, state.channel_id),
        button(BUTTONS[DETAILS], DETAILS, phase.phase_id),
    ]
    if state.is_in_team:
        buttons += team_buttons(phase)
    if state.may_manage:
        buttons += [
            button(ON_HOLD_BUTTON, ON_HOLD, phase.phase_id),
            button("Try Again", TRY_AGAIN, phase.phase_id)
            if phase.is_paused
            else button("Ask Now", POLL, state.channel_id),
            button("Extend", EXTEND, phase.phase_id),
            button("End", WRAP_UP, phase.phase_id),
        ]
    text = f"*{title(phase, 300)}*\n{status_line(phase, state.today)}"
    return content(title(phase), section(text), actions(*buttons))


def _idle(state: ChannelState) -> Content:
    kinds = [
        KIND.format(emoji=EMOJI[kind], name=NAMES[kind], sentence=sentence)
        for kind, sentence in KIND_SENTENCES.items()
    ]
    blocks: list[Block] = [section(f"*{NOTHING}*"), *paragraphs(kinds)]
    buttons = []
    if state.refusal_to_start is None:
        buttons.append(button("Start a Phase", START, state.channel_id, style="primary"))
    else:
        blocks.append(context(state.refusal_to_start))
    last = state.phase
    if last is not None and last.wrapped_up_at is None and state.may_manage:
        blocks.append(section(_named(NOT_WRAPPED, last)))
        buttons.append(button("Wrap Up", WRAP_UP, last.phase_id))
    if last is not None:
        buttons.append(button("Status", STATUS, state.channel_id))
    return content(NOTHING, *blocks, *([actions(*buttons)] if buttons else []))


def _next_questions(phase: Phase, questions: NextQuestions) -> str:
    if phase.is_paused:
        return PAUSED
    if questions.open_until is not None:
        return OPEN_UNTIL.format(until=date_token(questions.open_until))
    if questions.next_on is None:
        return NO_MORE
    template = TALK_ON if phase.minimum_answers is None else NEXT_ON
    return template.format(day=day(questions.next_on))


def _no_results(phase: Phase) -> list[str]:
    return [] if phase.minimum_answers is None else [NO_RESULTS]


def _follow_up(phase: Phase, questions: NextQuestions) -> list[str]:
    is_any = questions.open_until is not None or questions.next_on is not None
    return [_next_questions(phase, questions)] if is_any else []


def _resting(facts: ChannelStatus, phase: Phase) -> list[str]:
    """Return the recovery after this phase or, where it books none, after the sprint before it."""
    until = phase.recovery_until or facts.recovery_until
    if until is None or facts.today > until:
        return []
    return [RESTING.format(day=day(phase.calendar.working_day_after(until), facts.today))]


def _named(template: str, phase: Phase) -> str:
    ended_on = day(phase.ended_on)
    return template.format(emoji=EMOJI[phase.kind], name=NAMES[phase.kind], day=ended_on)


def _share(budget: Budget) -> str:
    return A_THIRD if budget.allowed == SHARE else PERCENT.format(percent=budget.allowed * 100)
