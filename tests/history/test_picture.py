"""The picture over a channel's phases: its data, its words, and that it can be drawn."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from bot.history.picture import alt_text, picture_of
from bot.results import chart_process
from bot.slack.content import MAX_ALT_TEXT_LENGTH
from tests.history.past_phases import FIRST, PAGE, RUNNING, SECOND, SILENT
from tests.results.closed_rounds import START


def facts(*phases: Any) -> dict[str, Any]:
    picture = picture_of(phases)
    assert picture is not None
    return picture.facts


def test_phases_and_recovery_are_shaded_oldest_first() -> None:
    spans = [
        (span["kind"], span["label"], span["first"], span["last"])
        for span in facts(RUNNING, SECOND, FIRST)["spans"]
    ]

    assert spans == [
        ("results_sprint", "23 Nov", 0, 14),
        ("recovery", "8 Dec", 15, 29),
        ("trust_building", "4 Jan", 42, 81),
        ("results_sprint", "22 Feb", 91, 109),
        ("recovery", "13 Mar", 110, 128),
    ]


def test_recovery_ends_where_the_next_phase_begins() -> None:
    soon = replace(SECOND, phase=replace(SECOND.phase, starts_on=date(2026, 12, 10)))
    at_once = replace(SECOND, phase=replace(SECOND.phase, starts_on=date(2026, 12, 8)))

    recovery = facts(soon, FIRST)["spans"][1]
    assert (recovery["kind"], recovery["first"], recovery["last"]) == ("recovery", 15, 16)
    assert [span["kind"] for span in facts(at_once, FIRST)["spans"]] == [
        "results_sprint",
        "trust_building",
    ]


def test_each_phase_has_a_path_of_its_own_with_gaps_for_too_few_answers() -> None:
    clarity = facts(RUNNING, SECOND, FIRST)["rows"][0]
    paths = [[(level["day"], level["level"]) for level in path] for path in clarity["paths"]]

    assert clarity["label"] == "Clear and doable"
    assert paths == [
        [(1, 3.5), (8, 2.0), (36, 2.0)],
        [(43, 3.5), (50, None), (64, 3.5)],
        [(92, 3.5)],
    ]


def test_question_that_was_reworded_has_its_short_name() -> None:
    reworded = replace(START, labels={**START.labels, "trust": "Trust first?"})
    rows = facts(replace(SECOND, rounds=(reworded,)), FIRST)["rows"]

    assert [row["label"] for row in rows] == ["Clear and doable", "Trust", "Room for mistakes"]


def test_there_is_no_picture_without_levels() -> None:
    assert picture_of([SILENT]) is None
    assert picture_of([]) is None


def test_alt_text_has_the_numbers_newest_first() -> None:
    assert alt_text(PAGE.phases) == (
        "Levels from 1 to 5 at the start and the end of each phase, newest first. "
        "Results sprint 22 Feb to 12 Mar 2027: clarity 3.5, trust 3, room for mistakes 4. "
        "Recovery until 31 Mar. "
        "Trust-building 4 Jan to 12 Feb 2027: clarity 3.5 to 3.5, trust 3 to 3, room for mistakes "
        "4 to 4. "
        "Results sprint 23 Nov to 7 Dec 2026: clarity 3.5 to 2, trust 3 to 4, room for mistakes "
        "4 to too few. Recovery until 22 Dec. "
        "Trust-building 7 Sep to 2 Oct 2026: no levels shown."
    )


def test_alt_text_of_many_phases_leaves_out_the_oldest_whole() -> None:
    text = alt_text([RUNNING, *[FIRST] * 10])

    assert len(text) <= MAX_ALT_TEXT_LENGTH
    assert text.endswith("Recovery until 22 Dec.")


def test_every_kind_of_days_is_named_under_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda self, *_, **__: figures.append(self))
    chart_process.draw(facts(RUNNING, SECOND, FIRST))

    (legend,) = figures[0].legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "Results sprint",
        "Recovery",
        "Trust-building",
        "Too few answers",
    ]


@given(st.lists(st.sampled_from((FIRST, SECOND, RUNNING, SILENT)), min_size=1, max_size=4))
@settings(max_examples=5)
def test_any_history_can_be_drawn(phases: list[Any]) -> None:
    picture = picture_of(phases)
    if picture is not None:
        assert chart_process.draw(picture.facts).startswith(b"\x89PNG")
