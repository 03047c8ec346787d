"""Text that people wrote keeps its line breaks, wherever it is shown."""

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.announcement import details_page, expectation_forms, part_messages
from bot.announcement import messages as announcement_messages
from bot.announcement.concern_answer_form import answer_message
from bot.ending import messages as ending_messages
from bot.habits import mistake_form
from bot.phases.model import ExpectationReply, Phase
from bot.promises.model import Reply
from bot.results import comments
from bot.results import messages as result_messages
from bot.rounds import messages as round_messages
from bot.slack.mrkdwn import clean, labelled, length, quotation
from bot.start import page_moment, page_preview
from bot.start.page_moment import LastPhase
from bot.start.page_preview import Preview
from tests.announcement.phases import SPRINT, TODAY, TRUST, participant
from tests.ending.ended_phases import LATER, WORDS, over
from tests.harness import ANA, BEN
from tests.results.closed_rounds import PROMISE, START, WEEK, showing
from tests.rounds.test_messages import ASKING
from tests.start.test_form_pages import CHOSEN, MOMENT

PROMISES = {
    phase.kind: [promise_field.name for promise_field in fields(phase.promise)]
    for phase in (SPRINT, TRUST)
}
OF_WRAP_UP = ("outcome", "learning", "thanks")


def written(name: str) -> str:
    """Return a text of two lines that says where it was written."""
    return f"{name}, one.\n{name}, two."


def with_two_lines(phase: Phase) -> Phase:
    """Return the phase with two lines in every text that people may write in several."""
    ben = {name: written(name) for name in ("contribution", "expectation", "thanks_line")}
    promise: dict[str, Any] = {name: written(name) for name in PROMISES[phase.kind]}
    return replace(
        phase,
        promise=replace(phase.promise, **promise),
        justification=written("justification"),
        extension_reason=written("extension"),
        people=(participant(ANA), participant(BEN, **ben)),
    )


SPRINT_TEXTS, TRUST_TEXTS = with_two_lines(SPRINT), with_two_lines(TRUST)
BEN_TEXTS = SPRINT_TEXTS.people[1]
ENDED = over(SPRINT_TEXTS, **{**WORDS, **{name: written(name) for name in OF_WRAP_UP}})
LINES = Reply(heard=written("heard"), text=written("note"), is_change=True)
WEEK_TEXTS = replace(WEEK, promise=replace(PROMISE, heard=written("heard"), text=written("note")))
LAST_LESSON = replace(MOMENT, last=LastPhase(lesson=written("lesson")))
PREVIEW = Preview(
    draft_id="draft1", phase=SPRINT_TEXTS, today=TODAY, first_on=date(2026, 12, 7), warnings=()
)
OF_SPRINT = (*PROMISES[SPRINT.kind], "justification", "extension")
OF_TRUST = (*PROMISES[TRUST.kind], "justification", "extension")
REPLY = ExpectationReply.CHANGE
#: Each message or form, with the names of the texts that it must show.
SHOWN: dict[str, tuple[Any, tuple[str, ...]]] = {
    "announcement of a sprint": (
        announcement_messages.announcement(SPRINT_TEXTS, TODAY).blocks,
        OF_SPRINT,
    ),
    "announcement of trust-building": (
        announcement_messages.announcement(TRUST_TEXTS, TODAY).blocks,
        OF_TRUST,
    ),
    "preview": (page_preview.build(PREVIEW).to_dict(), OF_SPRINT),
    "my part, saved": (
        part_messages.contribution_saved(SPRINT_TEXTS, written("part")).to_dict(),
        ("part",),
    ),
    "details": (
        details_page.build(SPRINT_TEXTS, TODAY).to_dict(),
        (*OF_SPRINT, "contribution"),
    ),
    "reply to the leads": (
        expectation_forms.reply_to_leads(SPRINT_TEXTS, BEN_TEXTS, REPLY, written("words")).blocks,
        ("expectation", "words"),
    ),
    "reply form": (
        expectation_forms.reply_form(SPRINT_TEXTS, BEN_TEXTS, REPLY).to_dict(),
        ("expectation",),
    ),
    "concerns": (
        part_messages.concerns_for_leads(SPRINT, {"c1": written("concern")})[0].blocks,
        ("concern",),
    ),
    "answer to a concern": (answer_message("Ana", written("answer")).blocks, ("answer",)),
    "mistake": (mistake_form.message("Ana", written("mistake")).blocks, ("mistake",)),
    "weekly message": (
        round_messages.questions_message(replace(ASKING, reply=LINES, reply_by="Ana")).blocks,
        ("heard", "note"),
    ),
    "results for the team": (
        result_messages.team_message(showing(START, WEEK_TEXTS)).blocks,
        ("heard", "note"),
    ),
    "further comments": (
        comments.comment_messages(["x" * comments.SECTION_LIMIT, written("comment")])[0].blocks,
        ("comment",),
    ),
    "extension": (ending_messages.extended(SPRINT_TEXTS, "Ana").blocks, ("extension",)),
    "closing": (ending_messages.closing(ENDED).blocks, OF_WRAP_UP),
    "wrap-up": (
        ending_messages.wrapped_up(ENDED, changed=True, today=LATER).blocks,
        OF_WRAP_UP,
    ),
    "goodbye": (
        ending_messages.goodbye(ENDED, BEN_TEXTS, LATER).blocks,
        ("outcome", "contribution", "thanks_line"),
    ),
    "late line": (ending_messages.late_line(ENDED, BEN_TEXTS, LATER).blocks, ("thanks_line",)),
    "lesson of the last phase": (
        page_moment.build(LAST_LESSON, CHOSEN[SPRINT.kind]).to_dict(),
        ("lesson",),
    ),
}


def mrkdwn_in(value: Any) -> Iterator[str]:
    """Yield every mrkdwn text in blocks or a view."""
    if isinstance(value, list):
        for one in value:
            yield from mrkdwn_in(one)
    elif isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"].replace("\u2060", "")
        for one in value.values():
            yield from mrkdwn_in(one)


@pytest.mark.parametrize("place", SHOWN)
def test_text_of_two_lines_is_shown_as_a_quotation_of_two_lines(place: str) -> None:
    shown, names = SHOWN[place]
    texts = "\n".join(mrkdwn_in(shown))

    for name in names:
        assert f">{name}, one.\n>{name}, two." in texts
    assert "one. " not in texts


def test_title_and_bookmark_stay_in_one_line() -> None:
    phase = replace(SPRINT, milestone=written("milestone"))
    message = announcement_messages.announcement(phase, TODAY)

    assert "\n" not in message.text
    assert "milestone, one. milestone, two." in message.text


def test_text_of_one_line_stays_beside_its_label() -> None:
    assert labelled("*Thanks:*", "To all.", 100) == "*Thanks:* To all."
    assert labelled("*Thanks:*", "To Ben.\n\nTo Dev.", 100) == "*Thanks:*\n>To Ben.\n>\n>To Dev."


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\v", "\f"])
def test_every_kind_of_line_break_is_kept(end: str) -> None:
    assert clean(f" One{end}Two ") == "One\nTwo"


@given(st.text("ab <&*\n", max_size=400), st.integers(20, 300))
def test_quotation_fits_with_its_marks(text: str, limit: int) -> None:
    quoted = quotation(text, limit)

    assert length(quoted) <= limit
    assert all(line.startswith(">") for line in quoted.splitlines())
