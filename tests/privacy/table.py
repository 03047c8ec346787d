"""The figures of `make privacy` as tables. No I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.privacy import checks, inference
from tests.privacy.answers import DISTRIBUTIONS, Distribution
from tests.privacy.inference import Conclusions

#: Of all rounds, those in which it may be certain that exactly one person was low.
GOAL = 0.001
PEOPLE = range(4, 15)

COLUMNS = {
    "one low": "exactly one person chose 1 or 2",
    "joiner level": "the level chosen by one person who joined, nobody else changing",
    "joiner low": "the joiner chose 1 or 2",
    "leaver level": "the level chosen by one person who left, nobody else changing",
    "leaver low": "the leaver chose 1 or 2",
    "absent level": "the level chosen by one person known to skip a week, nobody else changing",
    "absent low": "that person chose 1 or 2",
    "other channel": "the level chosen by the one more in another channel of the same lead",
    "colluders level": "the level chosen by the last one, all the others sharing theirs",
    "colluders low": "the last one chose 1 or 2",
}
#: Of the check. Who joined or left is not asked the same, so that nothing follows about them.
CHECK_COLUMNS = {
    "one no": "exactly one person said no",
    "absent": "the answer of one person known to skip a week, nobody else changing",
    "colluders": "the answer of the last one, all the others sharing theirs",
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """The figures for a team size and a distribution of answers, by column."""

    people: int
    distribution: str
    figures: Mapping[str, Conclusions]


def rows(sizes: Sequence[int]) -> Iterator[Row]:
    """Yield a row for each distribution and each number of people, counted by enumeration."""
    for name, distribution in DISTRIBUTIONS.items():
        for people in sizes:
            yield Row(people=people, distribution=name, figures=_figures(people, distribution))


def check_rows(sizes: Sequence[int]) -> Iterator[Row]:
    """Yield a row of the check for each distribution and each number of people."""
    for name, distribution in checks.DISTRIBUTIONS.items():
        for people in sizes:
            figures = {
                "one no": checks.lone_no(people, distribution),
                "absent": checks.absentee(people, distribution),
                "colluders": checks.colluders(people, distribution),
            }
            yield Row(people=people, distribution=name, figures=figures)


def worst(found: Sequence[Row], column: str) -> float:
    """Return the largest share of rounds in which what the column says is certain."""
    return max(row.figures[column].certain for row in found)


def text(found: Sequence[Row]) -> str:
    """Return the tables, one for each distribution, in Markdown."""
    return _tables("answers, 1 to 5", DISTRIBUTIONS, found)


def check_text(found: Sequence[Row]) -> str:
    """Return the tables of the check, one for each distribution, in Markdown."""
    return _tables("answers to the check, yes, partly and no", checks.DISTRIBUTIONS, found)


def _tables(answers: str, named: Mapping[str, Distribution], found: Sequence[Row]) -> str:
    tables = []
    for name, distribution in named.items():
        shares = ", ".join(f"{share:.0%}" for share in distribution)
        of_name = [row for row in found if row.distribution == name]
        tables.append(_table(f"{name} {answers}: {shares}", of_name))
    return "\n\n".join(tables)


def _figures(people: int, distribution: Distribution) -> Mapping[str, Conclusions]:
    joiner = inference.joiner(people, distribution)
    leaver = inference.leaver(people, distribution)
    absentee = inference.absentee(people, distribution)
    colluders = inference.colluders(people, distribution)
    return {
        "one low": inference.lone_low(people, distribution),
        "joiner level": joiner.level,
        "joiner low": joiner.low,
        "leaver level": leaver.level,
        "leaver low": leaver.low,
        "absent level": absentee.level,
        "absent low": absentee.low,
        "other channel": inference.two_channels(people, distribution).level,
        "colluders level": colluders.level,
        "colluders low": colluders.low,
    }


def _table(heading: str, found: Sequence[Row]) -> str:
    columns = [*found[0].figures]
    lines = [
        heading,
        "",
        _line(["people", *columns]),
        _line(["---"] * (1 + len(columns))),
    ]
    lines += [_line([f"{row.people}", *map(_cell, row.figures.values())]) for row in found]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    first, *others = cells
    return " | ".join([f"| {first:>6}", *(f"{cell:>16}" for cell in others)]) + " |"


def _cell(found: Conclusions) -> str:
    return f"{percent(found.certain)} / {percent(found.likely)}"


def percent(share: float) -> str:
    """Return a share as a percentage, small ones with their first digits: 0, 0.046 %, 12 %."""
    number = share * 100
    return "0" if number < 0.0005 else f"{number:.2g} %" if number < 10 else f"{number:.0f} %"
