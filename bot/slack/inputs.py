"""Form inputs whose initial values Slack accepts, and the reading of what was entered.

Slack refuses a whole view because of one initial value that is too long or not offered, and tells
nobody if that view answers a submission. So every input with an initial value is built here.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from slack_sdk.models.blocks import (
    InputBlock,
    Option,
    PlainTextInputElement,
    UserMultiSelectElement,
)

from bot.log import log
from bot.slack.content import plain
from bot.slack.errors import Refused
from bot.slack.mrkdwn import length, truncated

P = ParamSpec("P")
T = TypeVar("T")

UNKNOWN_TEXT = (
    "I don't know this button, form or command, so nothing was changed. It may be from another "
    "version of me. `/imbalance help` shows what I can do."
)
#: Raised where a form's state has other inputs or values than the form.
_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError)
#: Limit of a label or a hint (https://docs.slack.dev/reference/block-kit/blocks/input-block).
MAX_LABEL_LENGTH = 2_000
TRUNCATED_HINT = (
    "This was {length:,} characters long, and only {limit:,} fit, so the end was cut off. "
    "Check how it ends now."
)


def text_input(
    block_id: str,
    label: str,
    action_id: str,
    *,
    limit: int,
    value: str | None = None,
    placeholder: str | None = None,
    hint: str | None = None,
    multiline: bool | None = None,
    optional: bool | None = None,
) -> InputBlock:
    """Return a text field of at most `limit` characters.

    A longer value is cut, and the hint says so.
    """
    hints = [hint] if hint else []
    if value and length(value) > limit:
        hints.insert(0, TRUNCATED_HINT.format(length=length(value), limit=limit))
    return InputBlock(
        block_id=block_id,
        label=plain(truncated(label, MAX_LABEL_LENGTH)),
        hint=plain(truncated(" ".join(hints), MAX_LABEL_LENGTH)) if hints else None,
        element=PlainTextInputElement(
            action_id=action_id,
            placeholder=plain(placeholder) if placeholder else None,
            initial_value=truncated(value, limit) if value else None,
            max_length=limit,
            multiline=multiline,
        ),
        optional=optional,
    )


def people_select(
    action_id: str,
    chosen: Sequence[str],
    *,
    max_selected: int | None = None,
    placeholder: str | None = None,
) -> UserMultiSelectElement:
    """Return a menu of people; it has no maximum if more people are chosen already.

    Slack refuses more initial people than may be chosen, and dropping some would lose them: the
    form's own check says that there are too many.
    """
    return UserMultiSelectElement(
        action_id=action_id,
        placeholder=plain(placeholder) if placeholder else None,
        initial_users=list(chosen) or None,
        max_selected_items=max_selected if max_selected and len(chosen) <= max_selected else None,
    )


def form_parser(parse: Callable[P, T]) -> Callable[P, T]:
    """Decorate the function that reads a form: state that the form cannot have is refused.

    A form may stay open while the bot is updated, and Slack's types do not say which inputs it has.
    """

    @wraps(parse)
    def parse_or_refuse(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return parse(*args, **kwargs)
        except _UNREADABLE as error:
            log.warning("form_unreadable", form=parse.__module__, error=type(error).__name__)
            raise Refused(UNKNOWN_TEXT) from None  # the original error may quote what was typed

    return parse_or_refuse


def option_with_value(options: Sequence[Option], value: object) -> Option | None:
    """Return the option with this value, or None (nothing chosen) if it is not offered."""
    return next((option for option in options if option.value == str(value)), None)
