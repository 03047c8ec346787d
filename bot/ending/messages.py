"""Messages before the end of a phase, at its end, and about an extension. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date

from slack_sdk.models.blocks import Block

from bot.dates import day, days
from bot.ending.summary import EndedPhase
from bot.phases.model import (
    ItemOutcome,
    MilestoneOutcome,
    Participant,
    Phase,
    ProtectedOutcome,
    SetAsideItem,
)
from bot.phases.rules import PhaseKind
from bot.phases.wording import EMOJI, NAMES, lead_names, one_line
from bot.promises.messages import outcome_line
from bot.slack.content import (
    Content,
    actions,
    button,
    content,
    context,
    paragraphs,
    picture_block,
    section,
)
from bot.slack.mrkdwn import channel, labelled, mention, quote, quote_within

WRAP_UP, EXTEND, PLAN_NEXT = "phases.end", "phases.extend", "phases.plan_next"
TEXT_SHOWN = 2_000
LINE_SHOWN = 300

ENDED = "{emoji} {name} in {channel} has wrapped up."
PLANNED, BROUGHT, WHY, LEARNED = "Planned", "What happened", "Why", "Next time"
THANKS = "Thanks"
SERVED, PROTECTED = "The goal", "Protected"
SET_BESIDE = "{label} · *{outcome}*"
MILESTONE_BECAME = {
    MilestoneOutcome.HIT: "hit",
    MilestoneOutcome.MISSED: "missed",
    MilestoneOutcome.MOVED: "moved to a later date",
}
PROTECTED_BECAME = {
    ProtectedOutcome.KEPT: "kept",
    ProtectedOutcome.PARTLY: "partly kept",
    ProtectedOutcome.NOT: "not kept",
}
#: Of many promises the newest are listed.
PROMISES_SHOWN = 5
PROMISES_HEADING = "*What was promised on the way*"
PROMISE_LINE = "• {line}"
COST = "It took {took}."
COST_LONGER = "It took {took}, {difference} longer than first planned."
COST_SHORTER = "It took {took}, {difference} less than planned."
BACK_HEADING = "*What comes back*"
RESUMED = "• {text}: back with {owner} {when}."
BACK_EARLY = "• {text}: brought back early, with {owner} since {day}."
DROPPED = "• {text}: dropped."
PARKED = "• {text}: parked with {owner} until {day}."
RECOVERY = "*Recovery:* No new sprint before {day}."
FOLLOWS = "{leads} will tell the channel what came of it and what was learned."
BROUGHT_FIRST = "{emoji} {name} in {channel}: what came of it."
CHANGED_SINCE = "Updated plan for the work on hold:"
ON, SINCE = "on {day}", "since {day}"
LEVELS = "*The three questions, from 1 to 5*"

WARN = "{emoji} {name} in {channel} ends on {day}."
WARN_NOTHING = "You don't need to do anything: it ends by itself."
WARN_BACK = (
    "You don't need to do anything: it ends by itself, and the work on hold resumes on {day}."
)
WARN_ASK = (
    "You can also wrap it up now, or extend it once with a reason, which the channel will see."
)
WARN_ONLY = "It was already extended once. For more time, plan a new phase."
ASK_WRAP_UP = "{emoji} {name} in {channel} has ended. What came of it?"
ASK_WHY = (
    "The channel reads what came of it, what you learned and your thanks. Each member gets a "
    "goodbye on {day}, with your private line if you write one."
)
ASK_WHILE_PAUSED = (
    "I can't post in the channel right now, so each member reads what came of it in a goodbye on "
    "{day}, with your private line if you write one."
)
ASK_BACK = "Work on hold resumes unless you say otherwise."
WRITTEN = "{emoji} {name} in {channel} is wrapped up."
WRITTEN_BY = "{writer} wrote it, and it's posted in the channel."
WRITTEN_WHILE_PAUSED = "{writer} wrote it. Each member reads it in their goodbye."
EXTENDED = "{emoji} {name} extended to {day}."
EXTENDED_WHY = "It was due to end on {before}. {lead} says why:"
EXTENDED_RECOVERY = "Recovery gets longer too: no new sprint before {day}."

GOODBYE = "{emoji} {name} in {channel} has wrapped up."
YOUR_PART, WROTE = "Your part", "*{writer} to you:*"
BACK_WITH = "*Back with {owner} {when}:* {text}."
YOURS_PARKED = "*Parked with you until {day}:* {text}."
YOURS_DROPPED = "*Dropped, so it's off your list:* {text}."
YOU = "you"
LINE_FIRST = "{emoji} {name} in {channel}: a line for you."

#: Confirmations to a lead who sent a form: titles and texts.
WRAP_UP_DONE, EXTENSION_DONE = "Sent", "Extended"
WRAP_UP_SENT = (
    "It's posted in the channel. Each member gets a goodbye in their working hours, or only your "
    "line if they've already had their goodbye."
)
WRAP_UP_SENT_WHILE_PAUSED = (
    "I can't post in the channel, so nothing is posted there. Each member reads what came of it "
    "in a goodbye, in their working hours."
)
EXTENSION_SENT = "It now ends on {day}. The channel gets the new end and your reason."
EXTENSION_SENT_WHILE_PAUSED = (
    "It now ends on {day}. The channel gets the new end and your reason once I can post there "
    "again."
)

#: Refusals, and other replies to who pressed or typed.
TOO_LATE_TO_EXTEND = "The phase has ended, so it can't be extended any more. Close this form."
EXTENDED_ONCE = "Already extended once, to {day}. A phase can be extended only once."
NO_ROOM = (
    "This phase already lasts {weeks}, as long as this workspace allows, so it can't be extended."
)
NEEDS_DAY = "No day is chosen yet. Pick a day up to {latest}."
NEEDS_REASON = "The channel should know why it takes longer. Write one sentence."
ALREADY_WRITTEN = "This phase is already wrapped up. To add something, write it in the channel."
NEEDS_OUTCOME = "Say in a sentence what came of it. The channel reads it."
NEEDS_MILESTONE_OUTCOME = "Say what became of the goal: hit, missed or moved. The channel reads it."
PARKED_WHEN = "Parked work needs a day on which it comes back. Pick one."
PARKED_LATER = "{day} isn't after today. Pick a later day."


def closing(ended: EndedPhase) -> Content:
    """Build the channel's closing message: returning work, duration, and the outcome if written."""
    phase = ended.phase
    first = _first(ENDED, phase)
    lines = [f"*{first}*\n{_cost(ended)}", *milestone_lines(phase), *_protected(phase)]
    blocks: list[Block | dict[str, object]] = [*paragraphs(lines)]
    blocks += paragraphs(_wrap_up_lines(phase))
    blocks += paragraphs(_promises(ended))
    blocks += paragraphs(item_lines(ended, ended.ended_on))
    blocks += paragraphs(_recovery(phase))
    blocks += _levels(ended)
    blocks += [context(line) for line in _follows(ended)]
    return content(first, *blocks, picture=ended.picture)


def wrapped_up(ended: EndedPhase, *, changed: bool, today: date) -> Content:
    """Build the channel's message for a wrap-up written after the phase ended by its date.

    `changed` says whether set-aside work is decided differently from the closing message.
    """
    phase = ended.phase
    first = _first(BROUGHT_FIRST, phase)
    blocks: list[Block | dict[str, object]] = [
        section(f"*{first}*"),
        *paragraphs(_became(phase)),
        *paragraphs(_wrap_up_lines(phase)),
    ]
    if changed:
        blocks += [context(CHANGED_SINCE), *paragraphs(item_lines(ended, today))]
    return content(first, *blocks)


def _levels(ended: EndedPhase) -> list[Block | dict[str, object]]:
    """Return the levels at start and end, and the chart, if anything was shown."""
    if ended.picture is None:
        return []
    levels = paragraphs([LEVELS, *ended.level_lines])
    return [*levels, picture_block(ended.picture.alt_text)]


def warning(phase: Phase) -> Content:
    """Build the message to each lead, two working days before the end."""
    first = _first(WARN, phase, day=day(phase.ends_on))
    extended = phase.extension_reason is not None
    buttons = [button("Wrap Up Now", WRAP_UP, phase.phase_id)]
    if not extended:
        buttons.append(button("Extend", EXTEND, phase.phase_id))
    nothing_to_do = (
        WARN_BACK.format(day=day(phase.calendar.working_day_after(phase.ends_on)))
        if _is_anything_back(phase)
        else WARN_NOTHING
    )
    choice = WARN_ONLY if extended else WARN_ASK
    return content(first, section(f"*{first}*\n{nothing_to_do} {choice}"), actions(*buttons))


def ask_wrap_up(phase: Phase, goodbyes_on: date) -> Content:
    """Build the message to each lead when the phase has ended by its date."""
    first = _first(ASK_WRAP_UP, phase)
    template = ASK_WHILE_PAUSED if phase.is_paused else ASK_WHY
    sentences = [template.format(day=day(goodbyes_on))]
    if _is_anything_back(phase):
        sentences.append(ASK_BACK)
    return content(
        first,
        section("\n".join([f"*{first}*", " ".join(sentences)])),
        actions(button("Wrap Up", WRAP_UP, phase.phase_id, style="primary")),
    )


def wrap_up_received(ended: EndedPhase) -> Content:
    """Build the text that replaces the question to each lead once one has answered it."""
    phase = ended.phase
    first = _first(WRITTEN, phase)
    by = (WRITTEN_WHILE_PAUSED if phase.is_paused else WRITTEN_BY).format(
        writer=quote(ended.wrap_up_author)
    )
    return content(first, section(f"*{first}*\n{by}"))


def extended(phase: Phase, by: str) -> Content:
    """Build the channel's message about the new end. `by` is the name of whoever extended it."""
    first = _first(EXTENDED, phase, day=day(phase.ends_on))
    why = EXTENDED_WHY.format(before=day(phase.original_ends_on), lead=quote(by))
    lines = [f"*{first}*", labelled(why, phase.extension_reason or "", TEXT_SHOWN)]
    if phase.recovery_until:
        free_from = day(phase.calendar.working_day_after(phase.recovery_until))
        lines.append(EXTENDED_RECOVERY.format(day=free_from))
    return content(first, *paragraphs(lines))


def goodbye(ended: EndedPhase, member: Participant, today: date) -> Content:
    """Build the private message to one member."""
    phase = ended.phase
    first = _first(GOODBYE, phase)
    lines = [f"*{first}*"]
    if phase.outcome:
        lines.append(_labelled(BROUGHT, phase.outcome))
    if member.contribution:
        lines.append(_labelled(YOUR_PART, member.contribution))
    lines += _thanks_line(ended, member)
    lines += [*_item_lines(ended, member.user_id, today), *_recovery(phase), *_follows(ended)]
    return content(first, *paragraphs(lines))


def late_line(ended: EndedPhase, member: Participant, _today: date) -> Content:
    """Build the private message with a line written after the member's goodbye."""
    first = _first(LINE_FIRST, ended.phase)
    return content(first, *paragraphs([f"*{first}*", *_thanks_line(ended, member)]))


def _is_anything_back(phase: Phase) -> bool:
    """Return whether something comes back with the end, neither earlier nor parked until later."""
    return any(not item.is_parked for item in phase.waiting_items)


def _first(template: str, phase: Phase, **more: str) -> str:
    name = NAMES[phase.kind]
    return template.format(
        emoji=EMOJI[phase.kind], name=name, channel=channel(phase.channel_id), **more
    )


def _cost(ended: EndedPhase) -> str:
    phase = ended.phase
    took = (ended.ended_on - phase.starts_on).days + 1
    planned = (phase.original_ends_on - phase.starts_on).days + 1
    if took > planned:
        return COST_LONGER.format(took=days(took), difference=days(took - planned))
    if took < planned:
        return COST_SHORTER.format(took=days(took), difference=days(planned - took))
    return COST.format(took=days(took))


def _wrap_up_lines(phase: Phase) -> Iterable[str]:
    planned = phase.planned if phase.planned != phase.milestone else None  # said already
    texts = (
        (PLANNED, planned),
        (BROUGHT, phase.outcome),
        (WHY, phase.reason),
        (LEARNED, phase.learning),
        (THANKS, phase.thanks),
    )
    return [_labelled(label, text) for label, text in texts if text]


def milestone_lines(phase: Phase) -> Iterable[str]:
    """Return a line with the milestone and what became of it, if there is one."""
    if not phase.milestone:
        return []
    outcome = phase.milestone_outcome
    became = MILESTONE_BECAME[MilestoneOutcome(outcome)] if outcome else None
    return [_set_beside(_labelled(SERVED, phase.milestone), became)]


def _protected(phase: Phase) -> Iterable[str]:
    """Return a line with what was protected and whether that was kept, if anything was."""
    if not phase.protected:
        return []
    outcome = phase.protected_outcome
    became = PROTECTED_BECAME[ProtectedOutcome(outcome)] if outcome else None
    return [_set_beside(_labelled(PROTECTED, phase.protected), became)]


def _became(phase: Phase) -> Iterable[str]:
    """Return the lines of what was promised whose outcome the wrap-up tells."""
    milestone = milestone_lines(phase) if phase.milestone_outcome else []
    return [*milestone, *(_protected(phase) if phase.protected_outcome else [])]


def _set_beside(label: str, outcome: str | None) -> str:
    return SET_BESIDE.format(label=label, outcome=outcome) if outcome else label


def _promises(ended: EndedPhase) -> Sequence[str]:
    """Return a heading and a line for each of the newest promises; nothing if there are none."""
    shown = ended.promises[-PROMISES_SHOWN:]
    lines = [PROMISE_LINE.format(line=outcome_line(promise)) for promise in shown]
    return [PROMISES_HEADING, *lines] if lines else []


def _follows(ended: EndedPhase) -> Iterable[str]:
    """Announce the wrap-up until it is written, unless there is no lead or the phase is paused."""
    phase = ended.phase
    if phase.wrapped_up_at is None and ended.phase.leads and not phase.is_paused:
        yield FOLLOWS.format(leads=lead_names(ended.phase))


def _labelled(label: str, text: str) -> str:
    return labelled(f"*{label}:*", text, TEXT_SHOWN)


def item_lines(ended: EndedPhase, today: date) -> Sequence[str]:
    """Return a heading and a line for each set-aside item; nothing if there are none."""
    items = ended.phase.set_aside_items
    return [BACK_HEADING, *(_item_outcome(item, ended, today) for item in items)] if items else []


def _item_outcome(item: SetAsideItem, ended: EndedPhase, today: date) -> str:
    text, owner = _named(item), mention(item.owner_id)
    if item.back_on is not None:
        return BACK_EARLY.format(text=text, owner=owner, day=day(item.back_on))
    if item.outcome == ItemOutcome.DROPPED:
        return DROPPED.format(text=text)
    if item.outcome == ItemOutcome.PARKED and item.parked_until:
        return PARKED.format(text=text, owner=owner, day=day(item.parked_until))
    return RESUMED.format(text=text, owner=owner, when=_back_when(ended, today))


def _named(item: SetAsideItem) -> str:
    return quote_within(one_line(item.text).rstrip("."), LINE_SHOWN * 2)


def _back_when(ended: EndedPhase, today: date) -> str:
    """The working day after the end, worded for a message that may come days later."""
    back = ended.phase.calendar.working_day_after(ended.ended_on)
    return (SINCE if back < today else ON).format(day=day(back))


def _recovery(phase: Phase) -> Sequence[str]:
    if phase.kind is not PhaseKind.RESULTS_SPRINT or phase.recovery_until is None:
        return []
    return [RECOVERY.format(day=day(phase.calendar.working_day_after(phase.recovery_until)))]


def _thanks_line(ended: EndedPhase, member: Participant) -> Iterable[str]:
    if member.thanks_line:
        wrote = WROTE.format(writer=quote(ended.wrap_up_author))
        yield labelled(wrote, member.thanks_line, LINE_SHOWN * 2)


def _item_lines(ended: EndedPhase, user_id: str, today: date) -> Iterable[str]:
    """Yield what resumes and with whom; of the member's own items also the others."""
    for item in ended.phase.waiting_items:
        is_own = item.owner_id == user_id
        if item.outcome == ItemOutcome.RESUMED:
            owner = YOU if is_own else quote_within(item.owner_name or item.owner_id, LINE_SHOWN)
            when = _back_when(ended, today)
            yield BACK_WITH.format(owner=owner, when=when, text=_named(item))
        elif is_own and item.outcome == ItemOutcome.PARKED and item.parked_until:
            yield YOURS_PARKED.format(day=day(item.parked_until), text=_named(item))
        elif is_own and item.outcome == ItemOutcome.DROPPED:
            yield YOURS_DROPPED.format(text=_named(item))
