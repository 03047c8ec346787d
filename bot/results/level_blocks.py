"""The shown figures in words: one line that says it all, a paragraph for each question, a picture.

Numbers come with their meaning and their size, and never finer than they are known.
"""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.results.chart import ChartFacts, Line, alt_text
from bot.results.levels import Band, QuestionLevel, level_words
from bot.results.model import ClosedRound, ResultsView, ShownLevel
from bot.results.round_labels import on_axis, since
from bot.slack.content import Picture, section
from bot.slack.mrkdwn import fitted

LABEL_SHOWN = 300
#: What went up and what went down, by question.
MOVED = {
    "clarity": ("clearer", "less clear"),
    "trust": ("more trust", "less trust"),
    "ego": ("more room for mistakes", "less room for mistakes"),
}
MOVES_NAMED = 2
THAN_BEFORE = "{moves} than before"
AS_BEFORE = "the same as before"

LEVEL = "*{label}*\n{words}{change}\n{answers}"
UP, DOWN, SAME = ", up {by:g} since {when}", ", down {by:g} since {when}", ", same as {when}"
SHARE = "{answers} answers, {high} of them 4 or 5"
NONE, ALL = "none", "all"
BANDS = "{answers} answers: {bands}"
TOO_FEW_HERE = "*{label}*\nToo few answers to show."
CHART_TITLE = "Results: {name}"


def headline(showing: ResultsView) -> str:
    """What changed most; where nothing may be compared, the level of the first question."""
    shown = showing.round.figures
    changes = {one.figure.key: one.change for one in shown if one.change is not None}
    moved = sorted((key for key in changes if changes[key]), key=lambda key: -abs(changes[key]))
    if moved:
        moves = [MOVED[key][changes[key] < 0] for key in moved[:MOVES_NAMED]]
        return THAN_BEFORE.format(moves=", ".join(moves))
    if changes:
        return AS_BEFORE
    words = level_words(shown[0].figure.key, shown[0].figure.level)
    return words[0].lower() + words[1:]


def level_paragraphs(showing: ResultsView) -> list[Block]:
    """One for each question that was asked, in their order."""
    by_key = {one.figure.key: one for one in showing.round.figures}
    return [
        section(_paragraph(showing, fitted(label, LABEL_SHOWN), by_key[key]))
        if key in by_key
        else section(TOO_FEW_HERE.format(label=fitted(label, LABEL_SHOWN)))
        for key, label in showing.round.labels.items()
    ]


def picture(showing: ResultsView) -> Picture | None:
    """The levels over the phase's rounds; none where this round shows nothing."""
    return picture_of(showing.rounds) if showing.round.figures else None


def picture_of(rounds: Sequence[ClosedRound]) -> Picture | None:
    """The levels over these rounds, oldest first; none where none of them shows anything."""
    if not any(one.figures for one in rounds):
        return None
    newest = rounds[-1]
    facts = ChartFacts(
        rounds=tuple(on_axis(one) for one in rounds),
        lines=tuple(
            Line(label=label, levels=tuple(one.level(key) for one in rounds))
            for key, label in newest.labels.items()
        ),
    )
    title = CHART_TITLE.format(name=on_axis(newest))
    return Picture(facts=facts.as_json(), alt_text=alt_text(facts), title=title)


def _paragraph(showing: ResultsView, label: str, one: ShownLevel) -> str:
    figure = one.figure
    answers = (
        SHARE.format(answers=figure.answers, high=_share(figure))
        if figure.bands is None
        else BANDS.format(answers=figure.answers, bands=_bands(figure.bands))
    )
    change = _change(showing, one)
    return LEVEL.format(label=label, words=figure.words, change=change, answers=answers)


def _share(figure: QuestionLevel) -> str:
    return {0: NONE, figure.answers: ALL}.get(figure.share_high or 0, f"{figure.share_high}")


def _bands(bands: Sequence[Band]) -> str:
    """The highest first; a band nobody chose is left out."""
    return ", ".join(
        f"{band.answers} chose {band.first if band.first == band.last else _range(band)}"
        for band in reversed(bands)
        if band.answers
    )


def _range(band: Band) -> str:
    return f"{band.first} to {band.last}"


def _change(showing: ResultsView, one: ShownLevel) -> str:
    before = showing.before(one.figure.key)
    if one.change is None or before is None:
        return ""
    words = UP if one.change > 0 else DOWN if one.change < 0 else SAME
    return words.format(by=abs(one.change), when=since(before))
