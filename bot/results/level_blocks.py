"""The shown figures in words: a headline, a line for each question, and the chart.

Numbers come with their meaning and their scale, and never finer than they are known.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from bot.phases.model import Phase
from bot.phases.wording import one_or_many
from bot.results.chart import ChartFacts, ChartRound, Line, alt_text
from bot.results.levels import Share
from bot.results.model import ClosedRound, ResultsView, ShownLevel, last_before_end
from bot.results.round_labels import axis_label, previous_round_label
from bot.slack.content import Picture
from bot.slack.mrkdwn import join_names, quote_within

#: Limits of a question's label before its level, and of a lead's name beside it.
LABEL_SHOWN, NAME_SHOWN = 300, 80
#: Most leads whose own answers are shown: a phase begins with at most five co-leads.
LEADS_SHOWN = 6
#: The questions' names in a headline.
NAMES = {"clarity": "clarity", "trust": "trust", "ego": "room for mistakes"}
STRONG_FROM, WEAK_UNTIL = 4.0, 3.0
STRONG, STRONG_SEVERAL = "{names} is strong", "{names} are strong"
BEST, BEST_SEVERAL = "{names} comes out best", "{names} come out best"
WEAK, WEAK_SEVERAL = "{names} is the weak spot", "{names} are the weak spots"
LOWEST, LOWEST_SEVERAL = "{names} comes last", "{names} come last"
ONLY_ONE = "{name} is at {level:g} of 5"
ALL_EQUAL = "every question is at {level:g} of 5"
BEST_AND_WEAKEST = "{best} ({high:g} of 5), {weakest} ({low:g})"

LEVEL = "*{label}:* {level:g} of 5"
UP = "*{label}:* {level:g} of 5, up {by:g} since {when}"
DOWN = "*{label}:* {level:g} of 5, down {by:g} since {when}"
SAME = "*{label}:* {level:g} of 5, same as {when}"
WITH_SHARE = "{level}. {share}"
#: A level with the answers of the leads who let the team see them.
BESIDE_LEADS = "{level} · {leads}"
LEAD_SAID, LEAD_DID_NOT_SAY = "{name} said {level}", "{name} didn't say"
SHARES = {
    Share.NEARLY_ALL: "Nearly everyone chose 4 or 5.",
    Share.MOST: "Most people chose 4 or 5.",
    Share.ABOUT_HALF: "About half chose 4 or 5.",
    Share.SOME: "Some chose 4 or 5.",
    Share.FEW: "Few or none chose 4 or 5.",
}
TOO_FEW_HERE = "*{label}:* not enough answers to keep everyone anonymous."
#: After the end of a phase: every level beside those at its start and at its end.
AFTER_END = "*{label}:* {start} at the start, {end} at the end, {level} of 5 now"
OVER_PHASE = "*{label}:* {start} at the start, {end} at the end"
NO_RESULT = "no result"
CHART_TITLE = "Results: {name}"


def headline(view: ResultsView) -> str:
    """Return the best and the weakest; empty where nothing is shown."""
    levels = {shown.figure.key: shown.figure.level for shown in view.round.figures}
    if not levels:
        return ""
    high, low = max(levels.values()), min(levels.values())
    if len(levels) == 1:
        return ONLY_ONE.format(name=NAMES[next(iter(levels))], level=high)
    if high == low:
        return ALL_EQUAL.format(level=high)
    best = [NAMES[key] for key, level in levels.items() if level == high]
    weakest = [NAMES[key] for key, level in levels.items() if level == low]
    strong = (STRONG, STRONG_SEVERAL) if high >= STRONG_FROM else (BEST, BEST_SEVERAL)
    weak = (WEAK, WEAK_SEVERAL) if low <= WEAK_UNTIL else (LOWEST, LOWEST_SEVERAL)
    return BEST_AND_WEAKEST.format(
        best=one_or_many(len(best), *strong).format(names=join_names(best)),
        high=high,
        weakest=one_or_many(len(weakest), *weak).format(names=join_names(weakest)),
        low=low,
    )


def level_lines(view: ResultsView) -> list[str]:
    """Return a line for each question that was asked, in their order.

    Beside a level stand the answers of the leads who share theirs; never beside a question with too
    few answers, where the team has nothing to compare them with.
    """
    by_key = {shown.figure.key: shown for shown in view.round.figures}
    return [
        _line(view, quoted_label(label), by_key[key])
        if key in by_key
        else TOO_FEW_HERE.format(label=quoted_label(label))
        for key, label in view.round.labels.items()
    ]


def lines_over_phase(rounds: Sequence[ClosedRound]) -> list[str]:
    """Return a line for each question with its levels at the start and at the end of the phase.

    Empty where there was no round before the end but the first one.
    """
    end = last_before_end(rounds)
    if end is None:
        return []
    return [
        OVER_PHASE.format(
            label=quoted_label(label), start=_level_of(rounds[0], key), end=_level_of(end, key)
        )
        for key, label in end.labels.items()
    ]


def chart(view: ResultsView) -> Picture | None:
    """Return the chart over the phase's rounds; None where this round shows nothing."""
    return chart_of(view.phase, view.rounds) if view.round.figures else None


def chart_of(phase: Phase, rounds: Sequence[ClosedRound]) -> Picture | None:
    """Return the chart over these rounds, oldest first; None where none of them shows anything."""
    if not any(closed_round.figures for closed_round in rounds):
        return None
    newest = rounds[-1]
    facts = ChartFacts(
        rounds=tuple(
            ChartRound(
                name=axis_label(closed_round), day=(closed_round.opened_on - phase.starts_on).days
            )
            for closed_round in rounds
        ),
        lines=tuple(
            Line(
                label=_without_question_mark(label),
                levels=tuple(closed_round.level(key) for closed_round in rounds),
            )
            for key, label in newest.labels.items()
        ),
        start=_short(phase.starts_on),
        end=_short(phase.ended_on),
        days=(phase.ended_on - phase.starts_on).days,
    )
    title = CHART_TITLE.format(name=axis_label(newest))
    return Picture(facts=facts.as_json(), alt_text=alt_text(facts), title=title)


def quoted_label(label: str, limit: int = LABEL_SHOWN) -> str:
    """Return a question's label, quoted, as a level follows it."""
    return quote_within(_without_question_mark(label), limit)


def _without_question_mark(label: str) -> str:
    return label.rstrip("? ") or label


def _short(on: date) -> str:
    return f"{on.day} {on:%b}"


def _line(view: ResultsView, label: str, shown: ShownLevel) -> str:
    line = _level_line(view, label, shown)
    if shown.figure.share is not None:
        line = WITH_SHARE.format(level=line, share=SHARES[shown.figure.share])
    leads = ", ".join(_shared_answers(view, shown.figure.key))
    return BESIDE_LEADS.format(level=line, leads=leads) if leads else line


def _shared_answers(view: ResultsView, key: str) -> Iterable[str]:
    for reflection in view.shared_reflections[:LEADS_SHOWN]:
        if key in reflection.answers:
            level = reflection.answers[key]
            template = LEAD_DID_NOT_SAY if level is None else LEAD_SAID
            yield template.format(name=quote_within(reflection.name, NAME_SHOWN), level=level)


def _level_line(view: ResultsView, label: str, shown: ShownLevel) -> str:
    figure = shown.figure
    if view.round.is_after_end:
        return AFTER_END.format(
            label=label,
            start=_level_of(view.at_start, figure.key),
            end=_level_of(view.at_end, figure.key),
            level=f"{figure.level:g}",
        )
    previous = view.previous_round(figure.key)
    if shown.change is None or previous is None:
        return LEVEL.format(label=label, level=figure.level)
    template = UP if shown.change > 0 else DOWN if shown.change < 0 else SAME
    return template.format(
        label=label,
        level=figure.level,
        by=abs(shown.change),
        when=previous_round_label(previous),
    )


def _level_of(closed_round: ClosedRound | None, key: str) -> str:
    level = None if closed_round is None else closed_round.level(key)
    return NO_RESULT if level is None else f"{level:g}"
