"""Sentences about promises, for the results, the wrap-up and refusals. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bot.phases.wording import one_line
from bot.promises.model import Promise, PromiseOutcome, Reply
from bot.promises.rules import count_outcomes
from bot.slack.mrkdwn import quote_within

PROMISED = "{name} promised: {text} · {outcome}"
OUTCOMES = {
    PromiseOutcome.KEPT: "kept",
    PromiseOutcome.PARTLY: "partly kept",
    PromiseOutcome.NOT: "not kept",
    PromiseOutcome.UNKNOWN: "too few answers to say",
    None: "not checked",
}
#: Limits of a promise and of a name within one line.
TEXT_SHOWN, NAME_SHOWN = 300, 80

#: Under a promise, once the team has read what the answers said of it.
CHECKED = "The team was asked whether this happened: *{outcome}*."
#: A lead's own promises, newest first, while a phase's questions go on.
OWN_HEADING, OWN_RECORD = "*What you promised*", "{heading} · kept {record}"
OWN_LINE = "• {text} · {outcome}"
NOT_CHECKED_YET = "not checked yet"
OWN_SHOWN, OWN_TEXT_SHOWN = 3, 120
#: How many of a phase's promises were kept, and what became of the others.
RECORD, RECORD_REST = "{kept} of {total}", "{record} ({rest})"

#: A reply to results. Each heading stands above its own text.
HEARD, PROMISES = "*{name} heard:*", "*{name} promises:*"
NOTHING_CHANGES = "*Nothing changes this week, says {name}, because:*"

ONE_A_WEEK = (
    "Another lead has already replied to these results, and one change a week is enough to keep. "
    "Yours can follow the next results."
)
ONE_CHANGE_A_WEEK = (
    "Another lead has already promised a change this week, and one is enough to keep. Yours can "
    "follow the next results."
)
ALREADY_CHECKED = (
    "Your team has been asked whether this happened, so it stays as it is. You can promise "
    "something new with the next results."
)


def reply_parts(name: str, reply: Promise | Reply) -> tuple[tuple[str, str], ...]:
    """Return the headings of a reply to results, each with the text under it."""
    shown = quote_within(name, NAME_SHOWN)
    promised = (PROMISES if reply.is_change else NOTHING_CHANGES).format(name=shown), reply.text
    return ((HEARD.format(name=shown), reply.heard), promised) if reply.heard else (promised,)


def outcome_line(promise: Promise) -> str:
    """Return one line with what was promised, and whether it happened."""
    return PROMISED.format(
        name=quote_within(promise.name, NAME_SHOWN),
        text=quote_within(one_line(promise.text), TEXT_SHOWN),
        outcome=OUTCOMES[promise.outcome],
    )


def checked_line(promise: Promise) -> str | None:
    """Return whether the promise happened, to stand under it; None: not checked (yet)."""
    if promise.outcome is None:
        return None
    return CHECKED.format(outcome=OUTCOMES[promise.outcome])


def own_lines(promises: Sequence[Promise]) -> list[str]:
    """Return a heading and a line for each of a lead's newest promises; empty if there are none.

    `promises` are oldest first.
    """
    changes = [promise for promise in promises if promise.is_change]
    shown = [promise for promise in reversed(changes) if promise.text][:OWN_SHOWN]
    is_checked = any(promise.outcome for promise in changes)
    if not (shown or is_checked):
        return []
    heading = OWN_HEADING
    if is_checked:
        heading = OWN_RECORD.format(heading=heading, record=record(changes))
    return [heading, *map(_own_line, shown)]


def _own_line(promise: Promise) -> str:
    is_checked = promise.outcome is not None
    return OWN_LINE.format(
        text=quote_within(one_line(promise.text), OWN_TEXT_SHOWN),
        outcome=OUTCOMES[promise.outcome] if is_checked else NOT_CHECKED_YET,
    )


def record(promises: Iterable[Promise]) -> str | None:
    """Return how many promises were kept, such as "2 of 4 (1 partly kept, 1 not checked)".

    None where nothing was promised.
    """
    counts = count_outcomes(promises)
    if not counts:
        return None
    shown = RECORD.format(kept=counts[PromiseOutcome.KEPT], total=counts.total())
    rest = ", ".join(_rest(counts))
    return RECORD_REST.format(record=shown, rest=rest) if rest else shown


def _rest(counts: Counter[PromiseOutcome | None]) -> Iterator[str]:
    """Yield the numbers that "kept" does not tell. The remaining ones were not kept."""
    for outcome in (PromiseOutcome.PARTLY, PromiseOutcome.UNKNOWN, None):
        if counts[outcome]:
            yield f"{counts[outcome]} {OUTCOMES[outcome]}"
