"""Wording of results: changes, phrases, headlines, gaps, and pages of comments."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.results.chart import ChartFacts, Line, alt_text
from bot.results.comments import NOTE_LIMIT, SECTION_LIMIT, in_message, in_replies, quoted
from bot.results.level_blocks import chart, chart_of, headline, level_paragraphs
from bot.results.model import Reflection, ShownLevel, base_of_change, last_round_showing
from bot.slack.content import MESSAGE, size
from tests.results.closed_rounds import (
    LARGE,
    PHASE,
    START,
    TOO_FEW,
    WEEK,
    WHOLE,
    showing,
    shown_level,
)

HIGH = (0, 0, 0, 4, 4)


def paragraph(change: float | None, counts: tuple[int, ...] = HIGH) -> str:
    round_ = replace(WEEK, figures=(shown_level("clarity", counts, change=change),))
    first, *_ = level_paragraphs(showing(START, round_))
    return str(first.to_dict()["text"]["text"])


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (1.5, "(4.5 of 5), up 1.5 since the start\nNearly"),
        (-0.5, "(4.5 of 5), down 0.5 since the start\nNearly"),
        (0.0, "(4.5 of 5), same as the start\nNearly"),
        (None, "(4.5 of 5)\nNearly"),
    ],
)
def test_level_text_states_the_change(change: float | None, text: str) -> None:
    assert text in paragraph(change)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0, 0, 0, 3, 4), "*Clear and doable?*\nNearly all clear (4.5 of 5)"),
        ((1, 0, 0, 3, 4), "(4 of 5)\nNearly everyone chose 4 or 5."),
        ((1, 0, 2, 3, 2), "\nMost people chose 4 or 5."),
        ((2, 0, 2, 3, 1), "\nAbout half chose 4 or 5."),
        ((2, 2, 2, 1, 1), "\nSome chose 4 or 5."),
        ((0, 0, 8, 0, 0), "\nFew or none chose 4 or 5."),
    ],
)
def test_phrase_follows_the_level_from_eight_answers(counts: tuple[int, ...], text: str) -> None:
    assert paragraph(None, counts).endswith(text)


def headline_of(*changes: float | None) -> str:
    keys = ("clarity", "trust", "ego")
    figures = tuple(
        shown_level(key, HIGH, change=change) for key, change in zip(keys, changes, strict=True)
    )
    return headline(showing(START, replace(WEEK, figures=figures)))


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ((0.5, -1.0, 2.0), "more room for mistakes, less trust than before"),
        ((-0.5, 0.0, None), "less clear than before"),
        ((0.0, 0.0, None), "the same as before"),
        ((None, None, None), "every question is at 4.5 of 5"),
        ((0.5, 0.5, 0.5), "clearer, more trust than before"),
    ],
)
def test_headline_names_the_two_largest_changes(
    changes: tuple[float | None, ...], text: str
) -> None:
    assert headline_of(*changes) == text


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (START.figures, "room for mistakes is strongest (4 of 5), trust weakest (3)"),
        (WEEK.figures, "trust is strongest (4 of 5), clarity weakest (2)"),
        (WEEK.figures[:1], "clarity is at 2 of 5"),
    ],
)
def test_headline_without_changes_names_the_strongest_and_the_weakest(
    figures: tuple[ShownLevel, ...], text: str
) -> None:
    assert headline(showing(replace(WEEK, figures=figures))) == text


def test_change_base_is_the_last_round_that_showed_the_question() -> None:
    rounds = (START, WEEK, TOO_FEW)  # the ego question was shown at the start only

    assert last_round_showing(rounds, "clarity") is WEEK
    assert last_round_showing(rounds, "ego") is START
    assert last_round_showing((), "ego") is None
    facts = showing(*rounds, LARGE)
    assert facts.previous_round("clarity") is WEEK
    assert facts.previous_round("ego") is START
    assert showing(START).previous_round("clarity") is None


def test_whole_level_is_no_base_for_a_change() -> None:
    assert base_of_change((START, WEEK), "clarity") is WEEK.figures[0].figure
    assert base_of_change((START, WHOLE), "clarity") is None
    assert base_of_change((), "clarity") is None


def own(name: str, **answers: int | None) -> Reflection:
    return Reflection(name=name, answers=answers, shared=False)


def test_gaps_and_hints_derive_from_the_shown_figures() -> None:
    """Two leads are averaged; a question that is not shown, or left blank by both, has no gap."""
    reflections = (own("Ana", clarity=5, trust=None, ego=5), own("Ben", clarity=4, trust=2))
    facts = showing(START, WEEK, reflections=reflections)

    assert facts.gaps == {"clarity": 2.5, "trust": -2.0}
    assert [hint.key for hint in facts.hints] == ["clarity", "trust"]


@pytest.mark.parametrize(("days", "count"), [(21, 1), (22, 0)])
def test_single_low_round_gives_a_hint_in_phases_up_to_three_weeks(days: int, count: int) -> None:
    starts_on = date(2026, 11, 23)
    phase = replace(PHASE, starts_on=starts_on, ends_on=starts_on + timedelta(days=days))
    facts = showing(START, WEEK, phase=phase, reflections=())

    assert len(facts.hints) == count


def test_chart_covers_every_round_and_has_alt_text() -> None:
    assert chart(showing(START, TOO_FEW)) is None
    assert chart_of((TOO_FEW,)) is None
    drawn = chart_of((START, TOO_FEW, WEEK))
    assert drawn is not None
    assert drawn.facts["rounds"] == ("Start", "Week 2", "Week 2")
    assert drawn.facts["lines"][0]["levels"] == (3.5, None, 2.0)
    assert drawn.facts["lines"][2]["levels"] == (4.0, None, None)
    assert drawn.title == "Results: Week 2"
    assert alt_text(
        ChartFacts(
            rounds=("Start", "Week 2"),
            lines=(Line(label="A?", levels=(3.5, None)), Line(label="B?", levels=(None, None))),
        )
    ) == ("Levels from 1 to 5. A? Start 3.5. B? Not enough answers.")


def test_comments_are_packed_into_sections_and_replies() -> None:
    assert in_message([]) == in_replies([]) == []
    line = "x" * (SECTION_LIMIT // 2 - 2)  # with its quote mark, one character less than half
    exactly, one_more = [line, line], [line, line + "xx"]
    assert len(in_message(exactly)) == 2  # the heading, and one section with both
    assert in_replies(exactly) == []
    for longer in ([*exactly, "y"], [line, line + "x"], one_more):
        assert len(in_message(longer)) == 2  # the rest goes into a reply
        (reply,) = in_replies(longer)
        assert len(reply.blocks) == 2
    (reply,) = in_replies([line] * 13)
    assert len(reply.blocks) == 7  # the heading, and as many sections as a message holds
    assert [len(reply.blocks) for reply in in_replies([line] * 14)] == [6, 2]
    assert all(size(reply.blocks) <= MESSAGE for reply in in_replies([line] * 60))
    assert quoted("a\nb") == ">a\n>b"
    assert all(len(quoted("x" * length)) <= NOTE_LIMIT + 1 for length in (2_750, 2_850, 3_000))
    assert len(quoted("<" * 3_000)) <= NOTE_LIMIT + 1
