"""Wording of results: changes, phrases, headlines, gaps, and pages of comments."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.comments import SECTION_LIMIT, comment_messages
from bot.results.level_blocks import chart, chart_of, headline, level_lines, lines_over_phase
from bot.results.levels import QuestionFigures
from bot.results.messages import QUOTED_LIMIT as LIMIT
from bot.results.model import Reflection, ShownLevel, base_of_change, last_round_showing
from bot.slack.content import MESSAGE, size
from bot.slack.mrkdwn import quotation
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


def line(change: float | None, counts: tuple[int, ...] = HIGH) -> str:
    round_ = replace(WEEK, figures=(shown_level("clarity", counts, change=change),))
    return level_lines(showing(START, round_))[0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (1.5, "*Clear and doable:* 4.5 of 5, up 1.5 since the start. Nearly"),
        (-0.5, "*Clear and doable:* 4.5 of 5, down 0.5 since the start. Nearly"),
        (0.0, "*Clear and doable:* 4.5 of 5, same as the start. Nearly"),
        (None, "*Clear and doable:* 4.5 of 5. Nearly"),
    ],
)
def test_level_text_states_the_change(change: float | None, text: str) -> None:
    assert line(change).startswith(text)


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((0, 0, 0, 3, 4), "*Clear and doable:* 4.5 of 5"),
        ((1, 0, 0, 3, 4), "4 of 5. Nearly everyone chose 4 or 5."),
        ((1, 0, 2, 3, 2), ". Most people chose 4 or 5."),
        ((2, 0, 2, 3, 1), ". About half chose 4 or 5."),
        ((2, 2, 2, 1, 1), ". Some chose 4 or 5."),
        ((0, 0, 8, 0, 0), ". Few or none chose 4 or 5."),
    ],
)
def test_phrase_follows_the_level_from_eight_answers(counts: tuple[int, ...], text: str) -> None:
    assert line(None, counts).endswith(text)


def levels(**shown: float) -> tuple[ShownLevel, ...]:
    return tuple(
        ShownLevel(figure=QuestionFigures(key=key, level=level), change=None)
        for key, level in shown.items()
    )


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (
            levels(clarity=3.5, trust=4.5, ego=2.5),
            "trust is strong (4.5 of 5), room for mistakes is the weak spot (2.5)",
        ),
        (
            levels(clarity=4.0, trust=4.0, ego=2.5),
            "clarity and trust are strong (4 of 5), room for mistakes is the weak spot (2.5)",
        ),
        (
            levels(clarity=5.0, trust=2.0, ego=2.0),
            "clarity is strong (5 of 5), trust and room for mistakes are the weak spots (2)",
        ),
        (
            levels(clarity=3.0, trust=2.0, ego=2.5),
            "clarity comes out best (3 of 5), trust is the weak spot (2)",
        ),
        (
            levels(clarity=5.0, trust=4.0, ego=4.5),
            "clarity is strong (5 of 5), trust comes last (4)",
        ),
        (
            levels(clarity=3.5, trust=3.5, ego=4.0),
            "room for mistakes is strong (4 of 5), clarity and trust come last (3.5)",
        ),
        (
            levels(clarity=2.0, trust=2.0, ego=1.0),
            "clarity and trust come out best (2 of 5), room for mistakes is the weak spot (1)",
        ),
        (levels(clarity=4.0, trust=4.0, ego=4.0), "every question is at 4 of 5"),
        (levels(trust=2.0), "trust is at 2 of 5"),
        ((), ""),
    ],
)
def test_headline_names_the_best_and_the_weakest(
    figures: tuple[ShownLevel, ...], text: str
) -> None:
    assert headline(showing(START, replace(WEEK, figures=figures))) == text


@given(
    st.lists(st.sampled_from([1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]), min_size=3, max_size=3)
)
def test_headline_says_nothing_that_the_levels_do_not(shown: list[float]) -> None:
    figures = levels(**dict(zip(("clarity", "trust", "ego"), shown, strict=True)))
    text = headline(showing(START, replace(WEEK, figures=figures)))

    numbers = {float(number) for number in re.findall(r"\d(?:\.\d)?", text.replace("of 5", ""))}
    assert numbers == {max(shown), min(shown)}


def test_headline_of_whole_levels_has_whole_numbers() -> None:
    text = headline(showing(START, WHOLE))

    assert text == "trust and room for mistakes are strong (4 of 5), clarity is the weak spot (3)"


def test_levels_after_the_end_stand_beside_those_at_the_start_and_at_the_end() -> None:
    last = replace(WEEK, kind="closing", week=4)
    after = replace(LARGE, kind="after", week=2)

    assert level_lines(showing(START, last, after)) == [
        "*Clear and doable:* 3.5 at the start, 2 at the end, 3.5 of 5 now. "
        "About half chose 4 or 5.",
        "*Trust under pressure:* 3 at the start, 4 at the end, 3.5 of 5 now. "
        "About half chose 4 or 5.",
        "*Room for mistakes:* 4 at the start, no result at the end, 4.5 of 5 now. "
        "Nearly everyone chose 4 or 5.",
    ]
    only_start = level_lines(showing(START, after))
    assert only_start[0].startswith("*Clear and doable:* 3.5 at the start, no result at the end")


def test_lines_over_the_phase_leave_out_what_came_after_the_end() -> None:
    after = replace(LARGE, kind="after", week=2)

    assert lines_over_phase([START, WEEK, after])[:2] == [
        "*Clear and doable:* 3.5 at the start, 2 at the end",
        "*Trust under pressure:* 3 at the start, 4 at the end",
    ]
    assert lines_over_phase([START, after]) == lines_over_phase([]) == []


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


@pytest.mark.parametrize(("days", "keys"), [(21, ["clarity"]), (22, [])])
def test_single_low_round_gives_a_hint_in_phases_up_to_three_weeks(
    days: int, keys: list[str]
) -> None:
    starts_on = date(2026, 11, 23)
    phase = replace(PHASE, starts_on=starts_on, ends_on=starts_on + timedelta(days=days))
    facts = showing(START, WEEK, phase=phase, reflections=())

    assert [hint.key for hint in facts.hints] == keys


def test_hint_of_a_fall_follows_from_the_change_that_is_shown() -> None:
    fell = (shown_level("trust", (0, 0, 4, 4, 0), change=-1.0),)
    small = (shown_level("trust", (0, 0, 3, 3, 0)),)

    def hints(figures: tuple[ShownLevel, ...]) -> list[str]:
        facts = showing(START, replace(WEEK, figures=figures), reflections=())
        return [hint.text.partition(".")[0] for hint in facts.hints]

    assert hints(fell) == ["Trust fell by 1, to 3"]
    assert hints(small) == []


def test_chart_covers_every_round_and_names_the_missing_ones_in_its_alt_text() -> None:
    assert chart(showing(START, TOO_FEW)) is None
    assert chart_of(PHASE, (TOO_FEW,)) is None
    drawn = chart_of(PHASE, (START, TOO_FEW, LARGE))
    assert drawn is not None
    assert drawn.facts["rounds"] == (
        {"name": "First", "day": 1},
        {"name": "Week 2", "day": 8},
        {"name": "Week 3", "day": 15},
    )
    assert drawn.facts["lines"][0] == {
        "label": "Clear and doable",
        "levels": (3.5, None, 3.5),
    }
    assert (drawn.facts["start"], drawn.facts["end"]) == ("23 Nov", "18 Dec")
    assert drawn.title == "Results: Week 3"
    assert drawn.alt_text == (
        "Levels from 1 to 5, in a phase from 23 Nov to 18 Dec. "
        "Clear and doable: First 3.5, Week 2 too few answers, Week 3 3.5. "
        "Trust under pressure: First 3, Week 2 too few answers, Week 3 3.5. "
        "Room for mistakes: First 4, Week 2 too few answers, Week 3 4.5."
    )


def test_comments_are_packed_into_sections_and_messages() -> None:
    assert comment_messages([]) == []
    line = "x" * (SECTION_LIMIT // 2 - 2)  # with its quote mark, one character less than half
    exactly, one_more = [line, line], [line, line + "xx"]
    (message,) = comment_messages(exactly)
    assert len(message.blocks) == 2  # the heading, and one section with both
    for longer in ([*exactly, "y"], [line, line + "x"], one_more):
        (message,) = comment_messages(longer)
        assert len(message.blocks) == 3
    assert [len(message.blocks) for message in comment_messages([line] * 13)] == [6, 3]
    assert all(size(message.blocks) <= MESSAGE for message in comment_messages([line] * 60))
    assert quotation("a\nb", LIMIT) == ">a\n>b"
    assert all(len(quotation("x" * length, LIMIT)) <= LIMIT + 1 for length in (2_750, 2_850, 3_000))
    assert len(quotation("<" * 3_000, LIMIT)) <= LIMIT + 1
