"""The shown figures in words: a headline, a paragraph for each question, and the chart.

Numbers come with their meaning and their scale, and never finer than they are known.
"""

from collections.abc import Sequence

from slack_sdk.models.blocks import Block

from bot.results.chart import ChartFacts, Line, alt_text
from bot.results.levels import Band, QuestionFigures, level_words
from bot.results.model import ClosedRound, ResultsView, ShownLevel
from bot.results.round_labels import axis_label, previous_round_label
from bot.slack.content import Picture, section
from bot.slack.mrkdwn import quote_within

LABEL_SHOWN = 300
#: Words for a rise and for a fall, by question.
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


def headline(view: ResultsView) -> str:
    """Return what changed most; where nothing may be compared, the level of the first question."""
    shown = view.round.figures
    changes = {
        shown_level.figure.key: shown_level.change
        for shown_level in shown
        if shown_level.change is not None
    }
    moved = sorted((key for key in changes if changes[key]), key=lambda key: -abs(changes[key]))
    if moved:
        moves = [MOVED[key][changes[key] < 0] for key in moved[:MOVES_NAMED]]
        return THAN_BEFORE.format(moves=", ".join(moves))
    if changes:
        return AS_BEFORE
    words = level_words(shown[0].figure.key, shown[0].figure.level)
    return words[0].lower() + words[1:]


def level_paragraphs(view: ResultsView) -> list[Block]:
    """Return a paragraph for each question that was asked, in their order."""
    by_key = {shown_level.figure.key: shown_level for shown_level in view.round.figures}
    return [
        section(_paragraph(view, quote_within(label, LABEL_SHOWN), by_key[key]))
        if key in by_key
        else section(TOO_FEW_HERE.format(label=quote_within(label, LABEL_SHOWN)))
        for key, label in view.round.labels.items()
    ]


def chart(view: ResultsView) -> Picture | None:
    """Return the chart over the phase's rounds; None where this round shows nothing."""
    return chart_of(view.rounds) if view.round.figures else None


def chart_of(rounds: Sequence[ClosedRound]) -> Picture | None:
    """Return the chart over these rounds, oldest first; None where none of them shows anything."""
    if not any(closed_round.figures for closed_round in rounds):
        return None
    newest = rounds[-1]
    facts = ChartFacts(
        rounds=tuple(axis_label(closed_round) for closed_round in rounds),
        lines=tuple(
            Line(label=label, levels=tuple(closed_round.level(key) for closed_round in rounds))
            for key, label in newest.labels.items()
        ),
    )
    title = CHART_TITLE.format(name=axis_label(newest))
    return Picture(facts=facts.as_json(), alt_text=alt_text(facts), title=title)


def _paragraph(view: ResultsView, label: str, shown_level: ShownLevel) -> str:
    figure = shown_level.figure
    answers = (
        SHARE.format(answers=figure.answers, high=_share(figure))
        if figure.bands is None
        else BANDS.format(answers=figure.answers, bands=_bands(figure.bands))
    )
    change = _change(view, shown_level)
    return LEVEL.format(label=label, words=figure.words, change=change, answers=answers)


def _share(figure: QuestionFigures) -> str:
    return {0: NONE, figure.answers: ALL}.get(figure.high_count or 0, f"{figure.high_count}")


def _bands(bands: Sequence[Band]) -> str:
    """Return the bands in words, the highest first; a band nobody chose is left out."""
    return ", ".join(
        f"{band.answers} chose {band.first if band.first == band.last else _range(band)}"
        for band in reversed(bands)
        if band.answers
    )


def _range(band: Band) -> str:
    return f"{band.first} to {band.last}"


def _change(view: ResultsView, shown_level: ShownLevel) -> str:
    previous = view.previous_round(shown_level.figure.key)
    if shown_level.change is None or previous is None:
        return ""
    words = UP if shown_level.change > 0 else DOWN if shown_level.change < 0 else SAME
    return words.format(by=abs(shown_level.change), when=previous_round_label(previous))
