"""The announcement, kept up to date by edits. Pure."""

from datetime import date

from slack_sdk.models.blocks import Block

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
from bot.slack.mrkdwn import labelled, length, quote, quote_within, truncated

MY_PART, CONCERN, DETAILS = "phase.my_part", "phase.concern", "phase.details"
HOW_WE_WORK, MISTAKE = "phase.how_we_work", "phase.mistake"
SHORT = 240  # characters of each text in the announcement; Details shows the full text

#: Labels of the parts of the promise, in display order. {leads} are the leads, as a subject.
SET_ASIDE = "set_aside"
LABELS = {
    PhaseKind.RESULTS_SPRINT: (
        ("stakes", "What's at stake"),
        (SET_ASIDE, "On hold"),
        ("ask", "What {leads} asks"),
        ("protected", "Protected"),
        ("why_you", "Why each of you matters"),
        ("give_up", "What {leads} gives up"),
    ),
    PhaseKind.TRUST_BUILDING: (
        ("purpose", "The goal"),
        ("mistakes_fine", "Mistakes are fine"),
        ("mistakes_not", "Not here"),
        ("listening", "How {leads} listens"),
        ("yours_to_shape", "Yours to shape"),
        (SET_ASIDE, "On hold"),
        ("give_up", "What {leads} gives up"),
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
    PauseReason.RESTRICTED: "I may not post in the channel",
}
BACK = "Back on {day}."
AFTER, NO_NEW = "Afterwards", "No new sprint before {day}."
ANOTHER = {
    PhaseKind.RESULTS_SPRINT: "Why another sprint",
    PhaseKind.TRUST_BUILDING: "Why another phase",
}
EXTENDED = "Extended from {day}"
ONE_ASKED = "Every {weekday}, 1 person gets three anonymous questions. Only totals are shared."
QUESTIONS = (
    "Every {weekday}, {people} people get three anonymous questions. Only totals are shared."
)
TALKING = "Every {weekday}, three questions to talk about together. Nothing is stored."
BUTTONS = {
    MY_PART: "My Part",
    HOW_WE_WORK: "How We Work",
    MISTAKE: "A Mistake I Learned From",
    CONCERN: "Raise a Concern",
    DETAILS: "Details",
}
#: Buttons of trust-building phases only.
HABITS = (HOW_WE_WORK, MISTAKE)
WORKING = "How we work"


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
            lines += _set_aside_lines(phase, label, limit)
        else:
            lines += _labelled(_label(phase, key, label), getattr(phase.promise, key), limit)
    lines += _how_we_work_lines(phase)
    if phase.recovery_until is not None:
        free_from = day(phase.calendar.working_day_after(phase.recovery_until))
        lines += _labelled(AFTER, NO_NEW.format(day=free_from), limit)
    lines += _labelled(ANOTHER[phase.kind], phase.justification, limit)
    extended = EXTENDED.format(day=day(phase.original_ends_on))
    return [*lines, *_labelled(extended, phase.extension_reason, limit)]


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


def _set_aside_lines(phase: Phase, label: str, limit: int) -> list[str]:
    if not phase.set_aside_items:
        return []
    items = ", ".join(_item(item, limit) for item in phase.set_aside_items)
    if length(items) > MAX_SECTION_LENGTH - 100:  # only if many characters need escaping
        items = ", ".join(_item(item, MAX_SECTION_LENGTH // 30) for item in phase.set_aside_items)
    line = f"*{label}:* {items}."
    if not phase.is_active:
        return [line]
    return [f"{line} {BACK.format(day=day(phase.calendar.working_day_after(phase.ends_on)))}"]


def _item(item: SetAsideItem, limit: int) -> str:
    owner = f" ({quote_within(item.owner_name, 80)})" if item.owner_name else ""
    return f"{quote(truncated(one_line(item.text).rstrip('.'), limit))}{owner}"


def _buttons(phase: Phase) -> list[object]:
    running = [one for one in BUTTONS if one not in HABITS or not phase.is_sprint]
    shown = running if phase.is_active else (DETAILS,)
    return [button(BUTTONS[action_id], action_id, phase.phase_id) for action_id in shown]
