"""The shown figures in words: one line that says it all, a paragraph for each question, a picture.

Numbers come with their meaning and their size, and never finer than they are known.
"""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.results.chart import ChartFacts, Line, alt_text
from bot.results.facts import Showing, Shown
from bot.results.figures import Band
from bot.results.naming import on_axis, since
from bot.slack.content import Picture, section
from bot.slack.mrkdwn import quote

#: What went up and what went down, by question.
MOVED = {
    "clarity": ("clearer", "less clear"),
    "trust": ("more trust", "less trust"),
    "ego": ("more room for mistakes", "less room for mistakes"),
}
MOVES_NAMED = 2
THAN_BEFORE = "{moves} than last time"
AS_BEFORE = "the same as last time"

LEVEL = "*{label}*\n{words}{change}\n{answers}"
UP, DOWN, SAME = ", up {by:g} since {when}", ", down {by:g} since {when}", ", as {when}"
SHARE = "{answers} answers, {high} of them 4 or 5"
BANDS = "{answers} answers: {bands}"
TOO_FEW_HERE = "*{label}*\nToo few answers to show."
CHART_TITLE = "Results: {name}"


def gist(showing: Showing) -> str:
    """What changed most; where nothing may be compared, the level of the first question."""
    shown = showing.round.figures
    changes = {one.figure.key: one.change for one in shown if one.change is not None}
    moved = sorted((key for key in changes if changes[key]), key=lambda key: -abs(changes[key]))
    if moved:
        moves = [MOVED[key][changes[key] < 0] for key in moved[:MOVES_NAMED]]
        return THAN_BEFORE.format(moves=", ".join(moves))
    if changes:
        return AS_BEFORE
    words = shown[0].figure.words.split(" (")[0]
    return words[0].lower() + words[1:]


def paragraphs(showing: Showing) -> list[Block]:
    """One for each question that was asked, in their order."""
    by_key = {one.figure.key: one for one in showing.round.figures}
    return [
        section(_paragraph(showing, quote(label), by_key[key]))
        if key in by_key
        else section(TOO_FEW_HERE.format(label=quote(label)))
        for key, label in showing.round.labels.items()
    ]


def picture(showing: Showing) -> Picture | None:
    """The levels over the phase's rounds; none where this round shows nothing."""
    shown = showing.round
    if not shown.figures:
        return None
    facts = ChartFacts(
        rounds=tuple(on_axis(one) for one in showing.rounds),
        lines=tuple(
            Line(label=label, levels=tuple(one.level(key) for one in showing.rounds))
            for key, label in shown.labels.items()
        ),
    )
    title = CHART_TITLE.format(name=on_axis(shown))
    return Picture(facts=facts.as_json(), alt_text=alt_text(facts), title=title)


def _paragraph(showing: Showing, label: str, one: Shown) -> str:
    figure = one.figure
    answers = (
        SHARE.format(answers=figure.answers, high=figure.share_high)
        if figure.bands is None
        else BANDS.format(answers=figure.answers, bands=_bands(figure.bands))
    )
    change = _change(showing, one)
    return LEVEL.format(label=label, words=figure.words, change=change, answers=answers)


def _bands(bands: Sequence[Band]) -> str:
    """The highest first; a band nobody chose is left out."""
    return ", ".join(
        f"{band.answers} chose {band.first if band.first == band.last else _range(band)}"
        for band in reversed(bands)
        if band.answers
    )


def _range(band: Band) -> str:
    return f"{band.first} to {band.last}"


def _change(showing: Showing, one: Shown) -> str:
    before = showing.before(one.figure.key)
    if one.change is None or before is None:
        return ""
    words = UP if one.change > 0 else DOWN if one.change < 0 else SAME
    return words.format(by=abs(one.change), when=since(before))
