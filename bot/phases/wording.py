"""Names, titles and emoji of a phase, the same in every message. Pure."""

from collections.abc import Sequence

from bot.dates import day
from bot.phases.model import Phase
from bot.phases.rules import PhaseKind
from bot.slack.mrkdwn import join_names, quote_within, truncated

NAMES = {PhaseKind.RESULTS_SPRINT: "Results sprint", PhaseKind.TRUST_BUILDING: "Trust-building"}
EMOJI = {PhaseKind.RESULTS_SPRINT: "🏁", PhaseKind.TRUST_BUILDING: "🌱"}
EMOJI_NAMES = {PhaseKind.RESULTS_SPRINT: ":checkered_flag:", PhaseKind.TRUST_BUILDING: ":seedling:"}
#: A sentence on each kind, for somebody who may not know it.
KIND_SENTENCES = {
    PhaseKind.RESULTS_SPRINT: (
        "Until a set date, one milestone comes first, and other work waits on purpose."
    ),
    PhaseKind.TRUST_BUILDING: (
        "Until a set date, relationships and learning come first, and speed can wait."
    ),
}
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEKDAYS = tuple(f"{name}s" for name in WEEKDAY_NAMES)
FIRST_LINE = 80
LEADS_SHOWN = 600  # of the leads' names in a sentence
RUNNING = "{emoji} {name} until {day}"
ENDED = "{emoji} {name}, ended {day}"
NO_LEAD = "nobody in this channel"
THE_LEADS, THE_LEADS_BEGIN = "the leads", "The leads"
LEADS_NAMED = 2  # more of them are "the leads" in the middle of a sentence


def title(phase: Phase, limit: int = FIRST_LINE) -> str:
    """Return the first line: kind, end and milestone. Quoted, and at most `limit` characters."""
    words, until = RUNNING, phase.ends_on
    if not phase.is_active:
        words, until = ENDED, phase.day_of(phase.ended_at) if phase.ended_at else until
    start = words.format(emoji=EMOJI[phase.kind], name=NAMES[phase.kind], day=day(until))
    if not phase.milestone:
        return start
    return f"{start}: {quote_within(one_line(phase.milestone), limit - len(start) - 2)}"


def bookmark_title(phase: Phase) -> str:
    """Return plain text without a date: a bookmark is not edited when a phase is extended."""
    name = NAMES[phase.kind]
    milestone = one_line(phase.milestone)
    return truncated(f"{name}: {milestone}" if milestone else name, FIRST_LINE)


def one_line(text: str) -> str:
    """Return the text without line breaks: for titles, and for lists of short items."""
    return " ".join(text.split())


def one_or_many(count: int, one: str, many: str) -> str:
    """Return the wording for one, or the wording for any other number."""
    return one if count == 1 else many


def leads_as_subject(phase: Phase, *, begins: bool = False) -> str:
    """Return the leads as the subject of a sentence, quoted: their names, or "the leads".

    With `begins`, the sentence begins with them.
    """
    return names_as_subject(phase.lead_names, begins=begins)


def names_as_subject(names: Sequence[str], *, begins: bool = False) -> str:
    """Return leads of these names as the subject of a sentence, as `leads_as_subject` does."""
    if not 0 < len(names) <= LEADS_NAMED:
        return THE_LEADS_BEGIN if begins else THE_LEADS
    return quote_within(join_names(names), LEADS_SHOWN)


def lead_names(phase: Phase) -> str:
    """Return the names of the leads, quoted."""
    return quote_within(join_names([lead.name for lead in phase.leads] or [NO_LEAD]), LEADS_SHOWN)
