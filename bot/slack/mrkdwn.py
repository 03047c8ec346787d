"""Text that Slack formats: what people wrote is shown and never triggers anything.

Rules: https://docs.slack.dev/messaging/formatting-message-text
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate

from bot.dates import day

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
#: What Slack makes of a mention, a channel, a group or an address: its kind, target and label.
_MARKUP = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
#: Shown where Slack does not give a name.
SOMEONE, SOME_CHANNEL = "@someone", "a private channel"
_ENTITIES = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"))
#: Formatting marks; quoting puts each between two word joiners, so that it stays a character.
_MARKS = re.compile(r"([*_~`])")
#: Joins the emoji around it into one.
_JOINER = "\u200d"
#: What would stand between a cut text and its ellipsis.
_DANGLING = re.compile(rf"[\s{_JOINER}]+$")
#: Marks that reorder or hide the text around them (Unicode bidi controls, zero-width space).
_REORDERING = set(
    "\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)


def clean(text: str) -> str:
    """Return what a person typed, trimmed, without control and direction-override characters.

    Line breaks of every kind stay, as line feeds; so do emoji joiners and right-to-left letters.
    """
    lines = "\n".join(text.splitlines())
    return "".join(char for char in lines if _is_kept(char)).strip()


def _is_kept(char: str) -> bool:
    if char in _REORDERING:
        return False
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Co", "Cs")


def escape(text: str) -> str:
    """Replace Slack's three special characters by entities: no mention or link can trigger."""
    for char, entity in _ENTITIES:
        text = text.replace(char, entity)
    return text


def quote(text: str) -> str:
    """Quote a person's words in mrkdwn: escaped, and without effect of their formatting marks."""
    return _MARKS.sub("\u2060\\1\u2060", escape(text))


def unescape(text: str) -> str:
    """Return text that Slack delivers in commands, with its entities decoded once."""
    for char, entity in reversed(_ENTITIES):
        text = text.replace(entity, char)
    return text


def plain_text(text: str, names: Mapping[str, str] | None = None) -> str:
    """Return text that Slack escaped, as its writer saw it: cleaned, and without Slack's markup.

    `names` are display names by user id.
    """

    def shown(match: re.Match[str]) -> str:
        kind, target, label = match.groups()
        if kind == "@":
            name = (names or {}).get(target) or unescape(label or "")
            return f"@{escape(name)}" if name else SOMEONE
        if kind == "#":
            return f"#{label}" if label else SOME_CHANNEL
        if kind == "!":
            return label or f"@{target.partition('^')[0]}"
        return label or target

    return clean(unescape(_MARKUP.sub(shown, text)))


def mention(user_id: str) -> str:
    return f"<@{user_id}>"


def channel(channel_id: str) -> str:
    return f"<#{channel_id}>"


def link_to(url: str, text: str) -> str:
    """Return a link with our own words; the address is one that Slack gave us."""
    return f"<{escape(url)}|{text}>"


def mentioned(text: str) -> tuple[str, ...]:
    """Return the ids of the people mentioned in an escaped command text, in order."""
    return tuple(_MENTION.findall(text))


def date_token(moment: datetime) -> str:
    """Return a moment in each reader's own zone and words, with the weekday or "tomorrow"."""
    fallback = f"{day(moment.date())} {moment:%H:%M} UTC"
    return f"<!date^{int(moment.timestamp())}^{{date_long_pretty}} at {{time}}|{fallback}>"


def length(text: str) -> int:
    """Return the length as Slack's clients count it: in UTF-16, where most emoji are two."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)


def truncated(text: str, limit: int) -> str:
    """Return the text, cut with an ellipsis so that its `length` is at most `limit`."""
    if length(text) <= limit:
        return text
    return _DANGLING.sub("", text[: _cut_at(text, limit - 1)]) + "…"


def quote_within(text: str, limit: int) -> str:
    """Quote a person's words for mrkdwn, cut so that they fit together with their escapes."""
    return _within(text, limit, quote)


def quotation(text: str, limit: int) -> str:
    """Return a person's words as a block quotation of at most `limit` characters."""
    return _within(text, limit, _block_quotation)


def labelled(label: str, text: str, limit: int) -> str:
    """Return a label and a person's words, the words of at most `limit` characters.

    Words with line breaks keep them: they follow as a block quotation, so that one sees where they
    end.
    """
    if len(text.splitlines()) > 1:
        return f"{label}\n{quotation(text, limit)}"
    return f"{label} {quote_within(text, limit)}"


def _block_quotation(text: str) -> str:
    return "\n".join(f">{line}" for line in quote(text).splitlines())


def _within(text: str, limit: int, quoted: Callable[[str], str]) -> str:
    while length(quoted(text)) > limit:
        text = truncated(text, length(text) * 9 // 10)
    return quoted(text)


def quote_lines(text: str, limit: int) -> list[str]:
    """Quote all of a person's words as lines of at most `limit` characters each."""
    lines = []
    for line in text.splitlines():
        rest = line
        while True:
            end = _fitting_length(rest, limit - 1)
            lines.append(f">{quote(rest[:end])}")
            rest = rest[end:]
            if not rest:
                break
    return lines


def _fitting_length(line: str, limit: int) -> int:
    """Return how much of a line fits when quoted: all of it, or up to a space near the limit."""
    if length(quote(line)) <= limit:
        return len(line)
    used = 0
    for end, char in enumerate(line):
        used += length(quote(char))
        if used > limit:
            space = line.rfind(" ", end // 2, end)
            return end if space < 0 else space + 1
    return len(line)


def _cut_at(text: str, limit: int) -> int:
    """Return the index up to which a longer text fits, not between characters drawn as one."""
    units = accumulate(map(length, text))
    end = next(index for index, so_far in enumerate(units) if so_far > limit)
    whole = end
    while whole and _are_drawn_as_one(text[whole - 1], text[whole]):
        whole -= 1
    return whole or end


def _are_drawn_as_one(before: str, after: str) -> bool:
    """Return whether the second character changes how the first is drawn.

    Such are accents, skin tones and joiners.
    """
    if _JOINER in (before, after) or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    return unicodedata.category(after).startswith("M")


def join_names(names: Sequence[str]) -> str:
    """Return "Ana", "Ana and Ben" or "Ana, Ben and Chiara"; an empty text for nobody."""
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last
