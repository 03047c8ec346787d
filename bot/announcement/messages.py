"""The announcement, which edits keep true. Pure."""

from datetime import date

from slack_sdk.models.blocks import Block

from bot.agenda.slots import working_day_after
from bot.dates import day, days
from bot.phases.model import PauseReason, Phase, SetAsideItem
from bot.phases.rules import Kind
from bot.phases.wording import WEEKDAYS, lead_names, one_line, title
from bot.slack.content import SECTION, Content, actions, button, content, paragraphs, section
from bot.slack.mrkdwn import fitted, length, quote, truncated

MY_PART, CONCERN, DETAILS = "phase.my_part", "phase.concern", "phase.details"
SHORT = 240  # of one text in the announcement; the rest is under Details

#: What each part of the promise is called, in the order it is read.
SET_ASIDE = "set_aside"
LABELS = {
    Kind.RESULTS_SPRINT: (
        ("stakes", "Why now"),
        (SET_ASIDE, "What waits"),
        ("ask", "What I ask"),
        ("protected", "Protected"),
        ("why_you", "Why you"),
        ("give_up", "What I give up"),
    ),
    Kind.TRUST_BUILDING: (
        ("purpose", "What for"),
        ("mistakes_fine", "Mistakes fine here"),
        ("mistakes_not", "Not here"),
        ("listening", "How I'll listen"),
        ("yours_to_shape", "Yours to shape"),
        (SET_ASIDE, "What waits"),
        ("give_up", "What I give up"),
    ),
}
LEFT, LAST_DAY = "{days} left", "Last day"
LED_BY = "led by {leads}"
PAUSED = " · paused: {why}"
PAUSED_WHY = {
    PauseReason.ARCHIVED: "the channel is archived",
    PauseReason.OUTSIDE: "I am not in the channel any more",
    PauseReason.UNSEEN: "I cannot see the channel any more",
    PauseReason.RESTRICTED: "I may not post in the channel",
}
BACK = "Back on {day}."
AFTER, NO_NEW = "After", "no new sprint planned before {day}."
ANOTHER = {Kind.RESULTS_SPRINT: "Why another sprint", Kind.TRUST_BUILDING: "Why another phase"}
EXTENDED = "Extended from {day}"
QUESTIONS = "{weekdays}: 3 questions to {people} people, totals only."
TALKING = "{weekdays}: 3 questions to talk about together, nothing stored."


def announcement(phase: Phase, today: date) -> Content:
    """The message that stands in the channel, as it is true on `today` where the lead lives."""
    blocks: list[Block] = [
        section(f"*{title(phase, 300)}*\n{status_line(phase, today)}"),
        *paragraphs(promise_lines(phase, SHORT)),
    ]
    if phase.is_active:
        blocks.append(section(questions_line(phase)))
    return content(title(phase), *blocks, actions(*_buttons(phase)))


def status_line(phase: Phase, today: date) -> str:
    """The second line: days left, who leads, and why it is paused if it is."""
    led_by = LED_BY.format(leads=lead_names(phase))
    if not phase.is_active:
        return led_by
    left = (phase.ends_on - today).days
    return f"{LEFT.format(days=days(left)) if left > 0 else LAST_DAY} · {led_by}{_paused(phase)}"


def _paused(phase: Phase) -> str:
    because = phase.paused_because
    return PAUSED.format(why=PAUSED_WHY[PauseReason(because)]) if because else ""


def promise_lines(phase: Phase, limit: int) -> list[str]:
    """A line for each part of the promise, texts cut to `limit` characters."""
    lines = []
    for key, label in LABELS[phase.kind]:
        if key == SET_ASIDE:
            lines += _waiting(phase, label, limit)
        else:
            lines += _labelled(label, getattr(phase.promise, key), limit)
    if phase.recovery_until is not None:
        free = day(working_day_after(phase.recovery_until))
        lines += _labelled(AFTER, NO_NEW.format(day=free), limit)
    lines += _labelled(ANOTHER[phase.kind], phase.justification, limit)
    extended = EXTENDED.format(day=day(phase.first_ends_on))
    return [*lines, *_labelled(extended, phase.extension_reason, limit)]


def questions_line(phase: Phase) -> str:
    """When questions come, to how many, and what is shown of the answers."""
    asked = len(phase.members)
    words = TALKING if phase.minimum is None else QUESTIONS
    return words.format(weekdays=WEEKDAYS[phase.weekday], people=asked)


def _labelled(label: str, text: str | None, limit: int) -> list[str]:
    return [f"*{label}:* {_cut(text, limit)}"] if text else []


def _cut(text: str, limit: int) -> str:
    # Escaping makes it longer: `limit` is what people can read.
    return fitted(truncated(one_line(text), limit), min(2 * limit, SECTION - 100))


def _waiting(phase: Phase, label: str, limit: int) -> list[str]:
    if not phase.items:
        return []
    items = ", ".join(_item(item, limit) for item in phase.items)
    if length(items) > SECTION - 100:  # only where much of it has to be escaped
        items = ", ".join(_item(item, SECTION // 30) for item in phase.items)
    line = f"*{label}:* {items}."
    if not phase.is_active:
        return [line]
    return [f"{line}\n{BACK.format(day=day(working_day_after(phase.ends_on)))}"]


def _item(item: SetAsideItem, limit: int) -> str:
    owner = f" ({fitted(item.owner_name, 80)})" if item.owner_name else ""
    return f"{quote(truncated(one_line(item.text).rstrip('.'), limit))}{owner}"


def _buttons(phase: Phase) -> list[object]:
    more = button("Details", DETAILS, phase.phase_id)
    if not phase.is_active:
        return [more]
    return [
        button("My part", MY_PART, phase.phase_id),
        button("Raise a concern", CONCERN, phase.phase_id),
        more,
    ]
