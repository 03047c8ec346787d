"""Sentences about promises, for the results, the wrap-up and refusals. Pure."""

from bot.promises.model import Promise, PromiseOutcome
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

ONE_A_WEEK = (
    "Another lead has already replied to these results, and one change a week is enough to keep. "
    "Yours can follow the next results."
)
ALREADY_CHECKED = (
    "Your team has been asked whether this happened, so it stays as it is. You can promise "
    "something new with the next results."
)


def outcome_line(promise: Promise) -> str:
    """Return one line with what was promised, and whether it happened."""
    return PROMISED.format(
        name=quote_within(promise.name, NAME_SHOWN),
        text=quote_within(promise.text, TEXT_SHOWN),
        outcome=OUTCOMES[promise.outcome],
    )
