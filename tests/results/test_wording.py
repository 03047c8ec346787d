"""What closed rounds say in words: ups and downs, shares and bands, gaps, and comments in pages."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.results.chart import ChartFacts, Line, alt_text
from bot.results.comments import NOTE_SHOWN, SECTION_LIMIT, in_message, in_replies, quoted
from bot.results.level_blocks import headline, level_paragraphs, picture, picture_of
from bot.results.model import Reflection, last_with
from bot.slack.content import MESSAGE, size
from tests.results.closed_rounds import LARGE, PHASE, START, TOO_FEW, WEEK, showing, shown

HIGH, LOW = (0, 0, 0, 2, 2), (2, 2, 0, 0, 0)


def paragraph(change: float | None, counts: tuple[int, ...] = HIGH) -> str:
    round_ = replace(WEEK, figures=(shown("clarity", counts, change=change),))
    first, *_ = level_paragraphs(showing(START, round_))
    return str(first.to_dict()["text"]["text"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (1.5, "(4.5 of 5), up 1.5 since the start\n"),
        (-0.5, "(4.5 of 5), down 0.5 since the start\n"),
        (0.0, "(4.5 of 5), same as the start\n"),
        (None, "(4.5 of 5)\n"),
    ],
)
def test_a_level_says_whether_it_went_up_or_down(change: float | None, says: str) -> None:
    assert says in paragraph(change)


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        (HIGH, "4 answers, all of them 4 or 5"),
        (LOW, "4 answers, none of them 4 or 5"),
        ((0, 0, 1, 3, 1), "5 answers, 4 of them 4 or 5"),
        ((0, 4, 2, 2, 0), "8 answers: 2 chose 4 to 5, 2 chose 3, 4 chose 1 to 2"),
        ((0, 0, 8, 0, 0), "8 answers: 8 chose 3"),
        ((4, 0, 1, 2, 2), "9 answers: 4 chose 4 to 5, 5 chose 1 to 3"),
    ],
)
def test_how_many_chose_what_is_said_as_coarsely_as_it_is_known(
    counts: tuple[int, ...], says: str
) -> None:
    assert paragraph(None, counts).endswith(says)


def gist_of(*changes: float | None) -> str:
    keys = ("clarity", "trust", "ego")
    figures = tuple(
        shown(key, HIGH, change=change) for key, change in zip(keys, changes, strict=True)
    )
    return headline(showing(START, replace(WEEK, figures=figures)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ((0.5, -1.0, 2.0), "more room for mistakes, less trust than before"),
        ((-0.5, 0.0, None), "less clear than before"),
        ((0.0, 0.0, None), "the same as before"),
        ((None, None, None), "nearly all clear"),
        ((0.5, 0.5, 0.5), "clearer, more trust than before"),
    ],
)
def test_the_first_line_has_the_two_largest_changes(
    changes: tuple[float | None, ...], says: str
) -> None:
    assert gist_of(*changes) == says


def test_a_change_is_counted_from_the_last_round_that_showed_it() -> None:
    rounds = (START, WEEK, TOO_FEW)  # the ego question was shown at the start only

    assert last_with(rounds, "clarity") is WEEK
    assert last_with(rounds, "ego") is START
    assert last_with((), "ego") is None
    facts = showing(*rounds, LARGE)
    assert facts.before("clarity") is WEEK
    assert facts.before("ego") is START
    assert showing(START).before("clarity") is None


def own(name: str, **answers: int | None) -> Reflection:
    return Reflection(name=name, answers=answers, shared=False)


def test_gaps_and_signals_follow_from_what_is_shown() -> None:
    """Two leads are averaged; a question that is not shown, or left blank by both, has no gap."""
    two = (own("Ana", clarity=5, trust=None, ego=5), own("Ben", clarity=4, trust=2))
    facts = showing(START, WEEK, reflections=two)

    assert facts.gaps == {"clarity": 2.5, "trust": -2.0}
    assert [one.key for one in facts.signals] == ["clarity", "trust"]


@pytest.mark.parametrize(("days", "count"), [(21, 1), (22, 0)])
def test_low_once_counts_in_phases_of_up_to_three_weeks(days: int, count: int) -> None:
    starts_on = date(2026, 11, 23)
    phase = replace(PHASE, starts_on=starts_on, ends_on=starts_on + timedelta(days=days))
    facts = showing(START, WEEK, phase=phase, reflections=())

    assert len(facts.signals) == count


def test_a_picture_has_every_round_and_says_it_in_words() -> None:
    assert picture(showing(START, TOO_FEW)) is None
    assert picture_of((TOO_FEW,)) is None
    drawn = picture_of((START, TOO_FEW, WEEK))
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


def test_comments_are_packed_into_pages_of_what_fits() -> None:
    assert in_message([]) == in_replies([]) == []
    line = "x" * (SECTION_LIMIT // 2 - 2)  # with its sign for a quotation one half, less a letter
    exactly, one_more = [line, line], [line, line + "xx"]
    assert len(in_message(exactly)) == 2  # the heading, and one section of both
    assert in_replies(exactly) == []
    for longer in ([*exactly, "y"], [line, line + "x"], one_more):
        assert len(in_message(longer)) == 2  # the rest goes into a reply
        (reply,) = in_replies(longer)
        assert len(reply.blocks) == 2
    (reply,) = in_replies([line] * 13)
    assert len(reply.blocks) == 7  # the heading, and as many sections as a message holds
    assert [len(one.blocks) for one in in_replies([line] * 14)] == [6, 2]
    assert all(size(one.blocks) <= MESSAGE for one in in_replies([line] * 60))
    assert quoted("a\nb") == ">a\n>b"
    assert all(len(quoted("x" * length)) <= NOTE_SHOWN + 1 for length in (2_750, 2_850, 3_000))
    assert len(quoted("<" * 3_000)) <= NOTE_SHOWN + 1
