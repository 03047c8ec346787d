"""The shown figures in words: a headline, a paragraph for each question, and the chart.

Numbers come with their meaning and their scale, and never finer than they are known.
"""

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import Block

from bot.results.chart import ChartFacts, Line, alt_text
from bot.results.levels import Share
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
#: The questions' names in a headline.
NAMES = {"clarity": "clarity", "trust": "trust", "ego": "room for mistakes"}
MOVES_NAMED = 2
THAN_BEFORE = "{moves} than before"
AS_BEFORE = "the same as before"
ONLY_ONE = "{name} is at {level:g} of 5"
ALL_EQUAL = "every question is at {level:g} of 5"
BEST_AND_WEAKEST = "{best} is strongest ({high:g} of 5), {weakest} weakest ({low:g})"

LEVEL = "*{label}*\n{words}{change}{share}"
UP, DOWN, SAME = ", up {by:g} since {when}", ", down {by:g} since {when}", ", same as {when}"
SHARES = {
    Share.NEARLY_ALL: "Nearly everyone chose 4 or 5.",
    Share.MOST: "Most people chose 4 or 5.",
    Share.ABOUT_HALF: "About half chose 4 or 5.",
    Share.SOME: "Some chose 4 or 5.",
    Share.FEW: "Few or none chose 4 or 5.",
}
TOO_FEW_HERE = "*{label}*\nNot enough answers to keep everyone anonymous."
CHART_TITLE = "Results: {name}"


def headline(view: ResultsView) -> str:
    """Return what changed most; where no change is shown, the strongest and the weakest.

    Empty where nothing is shown.
    """
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
    return (
        ""
        if not shown
        else _best_and_weakest({level.figure.key: level.figure.level for level in shown})
    )


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


def _best_and_weakest(levels: Mapping[str, float]) -> str:
    """Return a sentence; of equal levels, the one asked first is named."""
    best, weakest = max(levels, key=levels.__getitem__), min(levels, key=levels.__getitem__)
    high, low = levels[best], levels[weakest]
    if len(levels) == 1:
        return ONLY_ONE.format(name=NAMES[best], level=high)
    if high == low:
        return ALL_EQUAL.format(level=high)
    return BEST_AND_WEAKEST.format(best=NAMES[best], high=high, weakest=NAMES[weakest], low=low)


def _paragraph(view: ResultsView, label: str, shown_level: ShownLevel) -> str:
    figure = shown_level.figure
    change = _change(view, shown_level)
    share = "" if figure.share is None else f"\n{SHARES[figure.share]}"
    return LEVEL.format(label=label, words=figure.words, change=change, share=share)


def _change(view: ResultsView, shown_level: ShownLevel) -> str:
    previous = view.previous_round(shown_level.figure.key)
    if shown_level.change is None or previous is None:
        return ""
    words = UP if shown_level.change > 0 else DOWN if shown_level.change < 0 else SAME
    return words.format(by=abs(shown_level.change), when=previous_round_label(previous))
