"""Text that Slack will format: what people wrote is shown and never fires.

Rules: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate

from bot.dates import day

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
#: Formatting marks, each between two word joiners when quoted, so that they stay signs.
_MARKS = re.compile(r"([*_~`])")
#: Makes one picture of the emoji around it.
_JOINER = "\u200d"
#: Marks that reorder or hide the text around them (Unicode bidi controls, zero-width space).
_REORDERING = set(
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)


def clean(text: str) -> str:
    """What a person typed, without control and direction-override signs, trimmed.

    Emoji joiners and right-to-left letters stay.
    """
    return "".join(sign for sign in text.replace("\r\n", "\n") if _is_kept(sign)).strip()


def _is_kept(sign: str) -> bool:
    if sign in _REORDERING:
        return False
    return sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Co", "Cs")


def escape(text: str) -> str:
    """The text with Slack's three special signs as entities: no mention or link can fire."""
    for sign, entity in _ENTITIES:
        text = text.replace(sign, entity)
    return text


def quote(text: str) -> str:
    """A person's words inside mrkdwn: escaped, and their formatting marks left as signs."""
    return _MARKS.sub("\u2060\\1\u2060", escape(text))


def unescape(text: str) -> str:
    """Text as Slack delivers it in commands, with its entities turned back once."""
    for sign, entity in reversed(_ENTITIES):
        text = text.replace(entity, sign)
    return text


def mention(user_id: str) -> str:
    return f"<@{user_id}>"


def channel(channel_id: str) -> str:
    return f"<#{channel_id}>"


def mentioned(text: str) -> tuple[str, ...]:
    """The ids of the people mentioned in an escaped command text, in order."""
    return tuple(_MENTION.findall(text))


def instant(moment: datetime) -> str:
    """A moment in each reader's own zone and words, with the weekday or "tomorrow"."""
    fallback = f"{day(moment.date())} {moment:%H:%M} UTC"
    return f"<!date^{int(moment.timestamp())}^{{date_long_pretty}} at {{time}}|{fallback}>"


def length(text: str) -> int:
    """Characters as Slack's clients count them: in UTF-16, where most emoji are two."""
    return len(text) if text.isascii() else len(text) + sum(sign > "\uffff" for sign in text)


def truncated(text: str, limit: int) -> str:
    """The text, cut with an ellipsis so that its `length` is at most `limit`."""
    if length(text) <= limit:
        return text
    return text[: _cut_at(text, limit - 1)].rstrip().rstrip(_JOINER) + "…"


def fitted(text: str, limit: int) -> str:
    """A person's words for mrkdwn, cut so that they fit together with their escapes."""
    while length(quote(text)) > limit:
        text = truncated(text, length(text) * 9 // 10)
    return quote(text)


def quotation(text: str, limit: int) -> list[str]:
    """A person's words, all of them, as lines of a quotation of at most `limit` characters each."""
    lines = []
    for line in text.splitlines():
        rest = line
        while True:
            end = _fitting(rest, limit - 1)
            lines.append(f">{quote(rest[:end])}")
            rest = rest[end:]
            if not rest:
                break
    return lines


def _fitting(line: str, limit: int) -> int:
    """How much of a line fits when it is quoted: all of it, or up to a space near that end."""
    if length(quote(line)) <= limit:
        return len(line)
    used = 0
    for end, sign in enumerate(line):
        used += length(quote(sign))
        if used > limit:
            space = line.rfind(" ", end // 2, end)
            return end if space < 0 else space + 1
    return len(line)


def _cut_at(text: str, limit: int) -> int:
    """The index up to which a longer text fits, not within signs that are drawn as one."""
    units = accumulate(map(length, text))
    end = next(index for index, so_far in enumerate(units) if so_far > limit)
    whole = end
    while whole and _is_one(text[whole - 1], text[whole]):
        whole -= 1
    return whole or end


def _is_one(before: str, after: str) -> bool:
    """Whether the second sign changes how the first is drawn: an accent, a skin tone, a joiner."""
    if _JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    return unicodedata.category(after).startswith("M")


def together(names: Sequence[str]) -> str:
    """ "Ana", "Ana and Ben", "Ana, Ben and Chiara"; nothing for nobody."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last
