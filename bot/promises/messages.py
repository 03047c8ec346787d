"""Sentences about promises, for the results, the wrap-up and refusals. Pure."""

from bot.promises.model import Promise, PromiseOutcome, Reply
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

#: A reply to results. Each heading stands above its own text.
HEARD, PROMISES = "*{name} heard:*", "*{name} promises:*"
NOTHING_CHANGES = "*Nothing changes this week, says {name}, because:*"

ONE_A_WEEK = (
    "Another lead has already replied to these results, and one change a week is enough to keep. "
    "Yours can follow the next results."
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
        text=quote_within(promise.text, TEXT_SHOWN),
        outcome=OUTCOMES[promise.outcome],
    )
