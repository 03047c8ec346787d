"""The picture over a channel's phases: its data, and in words. Pure; drawn in the chart process."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from bot.history.model import PastPhase
from bot.history.rules import LevelsOverPhase, levels_over_phase
from bot.phases.wording import NAMES
from bot.results.level_blocks import NAMES as QUESTIONS
from bot.slack.content import MAX_ALT_TEXT_LENGTH, Picture, join_within

RECOVERY = "recovery"
TITLE = "History"
SCALE = "Levels from 1 to 5 at the start and the end of each phase, newest first."
PHASE = "{name} {first} to {last}: {levels}."
RECOVERING = " Recovery until {day}."
OVER, ONCE = "{question} {start} to {end}", "{question} {start}"
TOO_FEW, NO_LEVELS = "too few", "no levels shown"


@dataclass(frozen=True, kw_only=True)
class Span:
    """Shaded days on the time axis, counted from the oldest phase's first day."""

    kind: str  # a PhaseKind, or recovery
    name: str
    first: int
    last: int
    label: str  # of its first day, "23 Nov"


@dataclass(frozen=True, kw_only=True)
class Level:
    """One question's level on a day; None: too few answers."""

    day: int
    level: float | None


@dataclass(frozen=True, kw_only=True)
class Row:
    """One question: a path of levels for each phase, oldest first."""

    label: str
    paths: tuple[tuple[Level, ...], ...]


@dataclass(frozen=True, kw_only=True)
class HistoryChart:
    """The data of the picture, as the chart process takes it."""

    spans: tuple[Span, ...]  # oldest first
    rows: tuple[Row, ...]


def picture_of(phases: Sequence[PastPhase]) -> Picture | None:
    """Return the picture over these phases, newest first; None where none of them shows a level."""
    oldest_first = phases[::-1]
    keys = [key for past in phases for shown in past.rounds for key in shown.labels]
    if not any(shown.figures for past in phases for shown in past.rounds):
        return None
    start = min(past.phase.starts_on for past in phases)
    chart = HistoryChart(
        spans=tuple(_spans(oldest_first, start)),
        rows=tuple(
            Row(label=_label(phases, key), paths=tuple(_paths(oldest_first, key, start)))
            for key in dict.fromkeys(keys)
        ),
    )
    return Picture(facts=asdict(chart), alt_text=alt_text(phases), title=TITLE)


def alt_text(phases: Sequence[PastPhase]) -> str:
    """Return the picture in words; the oldest phases are left out where they do not fit."""
    sentences = [SCALE, *(_in_words(past) for past in phases)]
    return join_within(sentences, MAX_ALT_TEXT_LENGTH, " ")[0]


def _spans(oldest_first: Sequence[PastPhase], start: date) -> Iterator[Span]:
    """Return each phase, and its recovery up to the next phase."""
    begins: list[date | None] = [past.phase.starts_on for past in oldest_first[1:]]
    for past, next_begins in zip(oldest_first, [*begins, None], strict=True):
        phase = past.phase
        yield _span(phase.kind, NAMES[phase.kind], phase.starts_on, phase.ended_on, start)
        if phase.recovery_until is None:
            continue
        first, last = phase.ended_on + timedelta(days=1), phase.recovery_until
        if next_begins is not None:
            last = min(last, next_begins - timedelta(days=1))
        if first <= last:
            yield _span(RECOVERY, "Recovery", first, last, start)


def _span(kind: str, name: str, first: date, last: date, start: date) -> Span:
    return Span(
        kind=kind,
        name=name,
        first=(first - start).days,
        last=(last - start).days,
        label=_short(first),
    )


def _paths(oldest_first: Sequence[PastPhase], key: str, start: date) -> Iterator[tuple[Level, ...]]:
    for past in oldest_first:
        path = tuple(
            Level(day=(shown.opened_on - start).days, level=shown.level(key))
            for shown in past.rounds
            if key in shown.labels
        )
        if path:
            yield path


def _label(phases: Sequence[PastPhase], key: str) -> str:
    """Return the question's label; its short name where it was not always worded the same."""
    labels = {shown.labels[key] for past in phases for shown in past.rounds if key in shown.labels}
    if len(labels) == 1 or key not in QUESTIONS:
        return sorted(labels)[0].rstrip("? ")
    return QUESTIONS[key].capitalize()


def _in_words(past: PastPhase) -> str:
    phase = past.phase
    levels = ", ".join(map(_level_in_words, levels_over_phase(past.rounds)))
    sentence = PHASE.format(
        name=NAMES[phase.kind],
        first=_short(phase.starts_on),
        last=f"{_short(phase.ended_on)} {phase.ended_on.year}",
        levels=levels or NO_LEVELS,
    )
    until = phase.recovery_until
    return sentence if until is None else sentence + RECOVERING.format(day=_short(until))


def _level_in_words(levels: LevelsOverPhase) -> str:
    template = OVER if levels.has_end else ONCE
    question = QUESTIONS.get(levels.key, levels.label)
    return template.format(question=question, start=_number(levels.start), end=_number(levels.end))


def _number(level: float | None) -> str:
    return TOO_FEW if level is None else f"{level:g}"


def _short(on: date) -> str:
    return f"{on.day} {on:%b}"
