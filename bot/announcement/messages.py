"""The announcement, kept up to date by edits. Pure."""

from collections.abc import Sequence
from datetime import date

from slack_sdk.models.blocks import Block, ButtonElement

from bot.dates import day, days
from bot.phases.model import PauseReason, Phase, SetAsideItem
from bot.phases.rules import PhaseKind
from bot.phases.wording import (
    WEEKDAY_NAMES,
    lead_names,
    leads_as_subject,
    one_line,
    one_or_many,
    title,
)
from bot.slack.content import (
    MAX_SECTION_LENGTH,
    Content,
    actions,
    button,
    content,
    paragraphs,
    section,
)
from bot.slack.mrkdwn import labelled, length, quote_within, truncated

MY_PART, CONCERN, DETAILS = "phase.my_part", "phase.concern", "phase.details"
WHAT_ELSE, ON_HOLD = "on_hold.what_else", "on_hold.open"
HOW_WE_WORK, MISTAKE = "phase.how_we_work", "phase.mistake"
SHORT = 240  # characters of each text in the announcement; Details shows the full text

#: Labels of the parts of the promise, in display order. {leads} are the leads, as a subject.
SET_ASIDE, ON_HOLD_LABEL = "set_aside", "On hold"
STOP_IF, STOP_IF_LABEL = "stop_if", "Stop if"
LABELS = {
    PhaseKind.RESULTS_SPRINT: (
        ("stakes", "What's at stake"),
        (SET_ASIDE, ON_HOLD_LABEL),
        ("ask", "What {leads} asks"),
        ("protected", "Protected"),
        ("why_you", "Why each of you matters"),
        ("give_up", "What {leads} gives up"),
        (STOP_IF, STOP_IF_LABEL),
    ),
    PhaseKind.TRUST_BUILDING: (
        ("purpose", "The goal"),
        ("mistakes_fine", "Mistakes are fine"),
        ("mistakes_not", "Not here"),
        ("listening", "How {leads} listens"),
        ("yours_to_shape", "Yours to shape"),
        (SET_ASIDE, ON_HOLD_LABEL),
        ("give_up", "What {leads} gives up"),
        (STOP_IF, STOP_IF_LABEL),
    ),
}
#: The labels that read differently with several leads.
LABELS_OF_SEVERAL = {
    "ask": "What {leads} ask",
    "listening": "How {leads} listen",
    "give_up": "What {leads} give up",
}
LEFT, LAST_DAY = "{days} left", "Last day"
LED_BY = "led by {leads}"
PAUSED = " · paused: {why}"
PAUSED_WHY = {
    PauseReason.ARCHIVED: "the channel is archived",
    PauseReason.BOT_REMOVED: "I'm no longer in the channel",
    PauseReason.NOT_VISIBLE: "I can no longer see the channel",
    PauseReason.RESTRICTED: "I'm not allowed to post in the channel",
}
BACK = "Back on {day}."
PARKED, UNTIL = "Parked", " until {day}"
AFTER, NO_NEW = "Afterwards", "No new sprint before {day}."
STOP_IF_ON_LABEL = "Stop if (decision on {day})"
ANOTHER = {
    PhaseKind.RESULTS_SPRINT: "Why another sprint",
    PhaseKind.TRUST_BUILDING: "Why another phase",
}
TEAM_SAID = "What the team said of the last sprint"
EXTENDED = "Extended from {day}"
ONE_ASKED = "Every {weekday}, 1 person gets three anonymous questions. Only totals are shared."
QUESTIONS = (
    "Every {weekday}, {people} people get three anonymous questions. Only totals are shared."
)
TALKING = "Every {weekday}, three questions to talk about together. Nothing is stored."
BUTTONS = {
    MY_PART: "My Part",
    WHAT_ELSE: "What Else Can Wait?",
    HOW_WE_WORK: "How We Work",
    MISTAKE: "A Mistake I Learned From",
    CONCERN: "Raise a Concern",
    DETAILS: "Details",
}
#: Buttons of trust-building phases only.
HABITS = (HOW_WE_WORK, MISTAKE)
WORKING = "How we work"
ON_HOLD_BUTTON = "On Hold"
#: Characters of a list of items that leave room for its label and its last sentence.
LIST_ROOM = MAX_SECTION_LENGTH - 100


def announcement(phase: Phase, today: date) -> Content:
    """Build the announcement as of `today`, a date in the lead's time zone."""
    blocks: list[Block] = [
        section(f"*{title(phase, 300)}*\n{status_line(phase, today)}"),
        *paragraphs(promise_lines(phase, SHORT)),
    ]
    if phase.is_active:
        blocks.append(section(questions_line(phase)))
    return content(title(phase), *blocks, actions(*_buttons(phase)))


def status_line(phase: Phase, today: date) -> str:
    """The second line: days left, the leads, and the reason for a pause, if any."""
    led_by = LED_BY.format(leads=lead_names(phase))
    if not phase.is_active:
        return led_by
    left = (phase.ends_on - today).days
    return f"{LEFT.format(days=days(left)) if left > 0 else LAST_DAY} · {led_by}{_paused(phase)}"


def _paused(phase: Phase) -> str:
    reason = phase.pause_reason
    return PAUSED.format(why=PAUSED_WHY[PauseReason(reason)]) if reason else ""


def promise_lines(phase: Phase, limit: int) -> list[str]:
    """Return a line for each part of the promise, with texts cut to `limit` characters."""
    lines = []
    for key, label in LABELS[phase.kind]:
        if key == SET_ASIDE:
            lines += on_hold_lines(phase, limit)
        elif key == STOP_IF:
            lines += _stop_if_lines(phase, limit)
        else:
            lines += _labelled(_label(phase, key, label), getattr(phase.promise, key), limit)
    lines += _how_we_work_lines(phase)
    lines += recovery_lines(phase, limit)
    lines += _labelled(ANOTHER[phase.kind], phase.justification, limit)
    lines += _labelled(TEAM_SAID, phase.team_said, limit)
    extended = EXTENDED.format(day=day(phase.original_ends_on))
    return [*lines, *_labelled(extended, phase.extension_reason, limit)]


def recovery_lines(phase: Phase, limit: int) -> list[str]:
    """Return a line with the first day on which a new sprint may start; none if any may."""
    if phase.recovery_until is None:
        return []
    free_from = day(phase.calendar.working_day_after(phase.recovery_until))
    return _labelled(AFTER, NO_NEW.format(day=free_from), limit)


def _stop_if_lines(phase: Phase, limit: int) -> list[str]:
    on = phase.stop_if_on
    label = STOP_IF_ON_LABEL.format(day=day(on)) if on else STOP_IF_LABEL
    return _labelled(label, phase.promise.stop_if, limit)


def _how_we_work_lines(phase: Phase) -> list[str]:
    agreed = phase.how_we_work.shown
    if not agreed:
        return []
    return ["\n".join((f"*{WORKING}:*", *(f"• {quote_within(one, 400)}" for one in agreed)))]


def questions_line(phase: Phase) -> str:
    """A line about the questions: weekday, number of people asked, what is shown of answers."""
    weekday, asked = WEEKDAY_NAMES[phase.weekday], len(phase.roster)
    if phase.minimum_answers is None:
        return TALKING.format(weekday=weekday)
    template = one_or_many(asked, ONE_ASKED, QUESTIONS)
    return template.format(weekday=weekday, people=asked)


def _label(phase: Phase, key: str, label: str) -> str:
    several = LABELS_OF_SEVERAL.get(key, label)
    template = one_or_many(len(phase.lead_names), label, several)
    return template.format(leads=leads_as_subject(phase))


def _labelled(label: str, text: str | None, limit: int) -> list[str]:
    if not text:
        return []
    # `limit` counts visible characters; escaping adds more.
    room = min(2 * limit, MAX_SECTION_LENGTH - 100 - length(label))
    return [labelled(f"*{label}:*", truncated(text, limit), room)]


def on_hold_lines(phase: Phase, limit: int = SHORT) -> list[str]:
    """Return the lines with what is on hold and what is parked; none if nothing waits.

    Each text is cut to `limit` characters, or to what lets the list fit in a section.
    """
    parked = [item for item in phase.waiting_items if phase.is_active and item.is_parked]
    on_hold = [item for item in phase.waiting_items if item not in parked]
    lines = []
    if on_hold:
        back = f" {BACK.format(day=day(phase.calendar.working_day_after(phase.ends_on)))}"
        lines.append(
            f"*{ON_HOLD_LABEL}:* {_listed(phase, on_hold, limit)}.{back if phase.is_active else ''}"
        )
    if parked:
        lines.append(f"*{PARKED}:* {_listed(phase, parked, limit)}.")
    return lines


def _listed(phase: Phase, items: Sequence[SetAsideItem], limit: int) -> str:
    """Return the items as a list that fits in a section, each cut to `limit` characters or less."""
    shown = ", ".join(_item(phase, item, limit, 2 * limit) for item in items)
    if length(shown) <= LIST_ROOM:
        return shown
    share = LIST_ROOM // len(items) - len(", ")
    return ", ".join(_item(phase, item, limit, share) for item in items)


def _item(phase: Phase, item: SetAsideItem, limit: int, room: int) -> str:
    """Return the item with its owner; both fit in `room` with their escapes, if it is short."""
    owner = f" ({quote_within(item.owner_name, 80)})" if item.owner_name else ""
    text = truncated(one_line(item.text).rstrip("."), limit)
    until = ""
    if item.parked_until:  # maybe in another year than the phase
        until = UNTIL.format(day=day(item.parked_until, phase.ends_on))
    return f"{quote_within(text, room - length(owner) - len(until))}{owner}{until}"


def team_buttons(phase: Phase) -> list[ButtonElement]:
    """Return the buttons that the team of a running phase has, without *Details*."""
    shown = [
        one for one in BUTTONS if one != DETAILS and (one not in HABITS or not phase.is_sprint)
    ]
    return [button(BUTTONS[action_id], action_id, phase.phase_id) for action_id in shown]


def _buttons(phase: Phase) -> list[object]:
    of_team = team_buttons(phase) if phase.is_active else []
    return [*of_team, button(BUTTONS[DETAILS], DETAILS, phase.phase_id)]
