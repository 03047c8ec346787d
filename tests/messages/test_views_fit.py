"""Every form, filled with any words of people, is one that Slack accepts."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Option
from slack_sdk.models.views import View

from bot.home import held
from bot.home import view as home
from bot.home.facts import HomeFacts
from bot.phases import (
    extend_form,
    moment_page,
    part_messages,
    preview_page,
    promise_page,
    wrap_up_form,
)
from bot.phases.draft import Draft, Row
from bot.phases.facts import Participant, WholePhase
from bot.phases.rules import Kind
from bot.playground.checks import check_view
from bot.playground.spot import utf16
from bot.rounds import answer_form
from bot.rounds.answer_form import Given
from bot.rounds.facts import OpenQuestion
from bot.rounds.questions import Question, for_member, reworded
from bot.slack.content import plain
from bot.slack.errors import Refused
from bot.slack.inputs import offered, people_select, text_input
from bot.slack.mrkdwn import clean, fitted, length, quote, truncated
from bot.slack.view_rules import broken_rules
from bot.slack.views import not_done
from bot.workspaces import settings_form, wording_form
from bot.workspaces.rules import WorkspaceSettings
from tests.messages.home.test_home import ANSWERED, HELD, LINE, OPEN
from tests.messages.phases.builders import NAMES, SPRINT, TODAY, TRUST, item, participant
from tests.messages.phases.test_start_form import MOMENT, PREVIEW, PROMISE
from tests.messages.rounds.test_messages import ASKING
from tests.vocabulary import ANA, BEN

BOT = Path(__file__).parents[2] / "bot"
SIGNS = ("a", "&", "*", "<@U0BEN>", "😀", "👩‍👩‍👧‍👦", "e\u0301", "שלום ", "字", "{lead}", "\n")
#: What people write: a little of anything, or much of the same.
TEXTS = st.text(max_size=40) | st.builds(
    lambda sign, count: (sign * count)[:3_500],
    st.sampled_from(SIGNS),
    st.sampled_from((1, 75, 80, 121, 240, 241, 300, 301, 1_001, 3_001)),
)
WRITTEN = TEXTS.map(clean)
NAMED = TEXTS.filter(bool)
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
IDS = st.integers(0, 10**9).map(lambda number: f"U{number:010}")
LEVELS = st.none() | st.integers(1, 5)
PHASE_TEXTS = (
    *("milestone", "justification", "extension_reason"),
    *("outcome", "learning", "thanks"),
)
WEEKDAYS = st.integers(0, 6)

questions = st.builds(
    lambda words, leads: for_member(leads, reworded(words)),
    st.dictionaries(
        st.sampled_from(("clarity", "trust", "ego")),
        st.fixed_dictionaries(
            {}, optional={name: WRITTEN for name in ("label", "to_member", "to_lead")}
        ),
    ),
    st.lists(NAMED, min_size=1, max_size=6),
)
drafts = st.builds(
    Draft,
    kind=st.sampled_from(list(Kind)),
    kind_given=st.booleans(),
    answers=st.fixed_dictionaries(dict.fromkeys(("clarity", "trust", "ego"), LEVELS)),
    doubted=st.booleans(),
    anyway=st.booleans(),
    texts=st.fixed_dictionaries(
        {"milestone": WRITTEN, "justification": WRITTEN},
        optional={each.name: WRITTEN for kind in Kind for each in promise_page.FIELDS[kind]},
    ),
    ends_on=DAYS,
    rows=st.lists(
        st.builds(Row, text=WRITTEN, owner_id=st.none() | IDS), min_size=1, max_size=5
    ).map(tuple),
    justify=st.none() | NAMED.filter(lambda text: len(quote(text)) < 3_000),
    more=st.booleans(),
    members=st.none() | st.lists(IDS, max_size=200, unique=True).map(tuple),
    choose_team=st.booleans(),
    co_leads=st.lists(IDS, max_size=9, unique=True).map(tuple),
    weekday=WEEKDAYS,
    comments_to=st.sampled_from(("leads", "team", "nobody")),
)


@st.composite
def phases(draw: st.DrawFn) -> WholePhase:
    """A phase in which everything that people write is as drawn."""
    whole = draw(st.sampled_from((SPRINT, TRUST)))
    people: list[Participant] = [
        participant(
            user_id,
            name=draw(NAMED),
            is_lead=draw(st.booleans()) or user_id == ANA,
            contribution=draw(st.none() | WRITTEN),
            thanks_line=draw(st.none() | WRITTEN),
        )
        for user_id in NAMES
    ]
    items = tuple(
        replace(item(number, draw(WRITTEN.filter(bool)), BEN), owner_name=draw(TEXTS))
        for number in range(draw(st.integers(0, 5)))
    )
    promise: Any = whole.phase.promise
    words = {name: draw(WRITTEN) for name in promise.__dataclass_fields__}
    texts: Any = {name: draw(WRITTEN) for name in PHASE_TEXTS}
    row = replace(
        whole.phase,
        promise=replace(promise, **words),
        weekday=draw(WEEKDAYS),
        **texts,
    )
    return replace(whole, phase=row, people=tuple(people), items=items)


def accepted(view: View) -> None:
    """Slack takes it, by slack_sdk's rules, by ours and by those of the stand-in."""
    sent = view.to_dict()
    assert broken_rules(sent) == []
    assert check_view(sent) == []


many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@many
@given(drafts, questions, NAMED)
def test_the_pages_of_the_start_form(draft: Draft, asked: tuple[Question, ...], said: str) -> None:
    assert draft.kind is not None
    accepted(moment_page.build(replace(MOMENT, questions=asked), draft))
    told = {"members": said, "co_leads": said}
    accepted(promise_page.build(replace(PROMISE, told=told), draft, draft.kind))


@many
@given(phases(), questions, NAMED)
def test_what_is_shown_of_a_phase(
    whole: WholePhase, asked: tuple[Question, ...], said: str
) -> None:
    accepted(preview_page.build(replace(PREVIEW, whole=whole, questions=asked, refusal=said)))
    accepted(preview_page.done(whole, TODAY))
    accepted(extend_form.build(whole, TODAY))
    accepted(wrap_up_form.build(whole))
    accepted(part_messages.part_form(whole, BEN))
    accepted(part_messages.concern_form(whole))
    accepted(part_messages.concern_taken(whole))
    accepted(part_messages.details(whole, TODAY))
    accepted(not_done(Refused(said)))


@many
@given(
    questions,
    st.lists(NAMED, min_size=1, max_size=6).map(tuple),
    st.booleans(),
    WRITTEN,
    st.fixed_dictionaries(dict.fromkeys(("clarity", "trust", "ego"), LEVELS)),
)
def test_the_answers_and_the_home_tab(
    asked: tuple[Question, ...],
    names: tuple[str, ...],
    to_lead: bool,
    comment: str,
    answers: dict[str, int | None],
) -> None:
    asking = replace(ASKING, questions=asked, leads=names, members=names, to_lead=to_lead)
    accepted(answer_form.build(asking, Given(answers=answers, comment=comment)))
    accepted(
        home.build(
            HomeFacts(questions=(OpenQuestion(asking=asking, is_answered=False),), phases=())
        )
    )


@many
@given(
    st.builds(
        WorkspaceSettings,
        budget_percent=st.integers(-5, 500),
        default_weekday=WEEKDAYS,
        default_zone=TEXTS,
        starters=st.none() | st.lists(IDS, max_size=300, unique=True).map(tuple),
    ),
    st.dictionaries(
        st.sampled_from(("clarity", "trust", "ego")),
        st.dictionaries(st.sampled_from(("label", "to_member", "to_lead")), WRITTEN),
    ),
)
def test_the_settings_and_their_wording(
    kept: WorkspaceSettings, words: dict[str, dict[str, str]]
) -> None:
    accepted(settings_form.build(kept))
    accepted(wording_form.build(reworded(words), words))
    accepted(held.build(HELD))


def test_a_full_home_tab_has_no_more_blocks_than_slack_takes() -> None:
    asked = tuple(
        replace(one, asking=replace(ASKING, round_id=f"{number:032}"))
        for number, one in enumerate((OPEN,) * 40 + (ANSWERED,) * 40)
    )
    facts = HomeFacts(
        questions=asked,
        phases=tuple(replace(LINE, phase_id=f"{number:032}") for number in range(40)),
        held=(HELD,) * 3,
        held_in_all=9,
    )
    accepted(home.build(facts))
    texts = str(home.build(facts).to_dict())
    assert home.MORE_QUESTIONS in texts
    assert home.MORE_PHASES.format(count=20) in texts


def test_details_of_a_large_team_are_cut_where_slack_would_refuse_them() -> None:
    people = [participant(ANA)] + [
        replace(participant(BEN, contribution="字" * 240), user_id=f"U{number:09}")
        for number in range(400)
    ]
    view = part_messages.details(replace(SPRINT, people=tuple(people)), TODAY)

    accepted(view)
    assert part_messages.MORE_PARTS.split("{")[0] in str(view.to_dict())


# ------------------------------------------------------------ cutting


@given(TEXTS, st.integers(1, 300))
def test_a_text_is_cut_to_its_limit_and_only_where_it_must_be(text: str, limit: int) -> None:
    cut = truncated(text, limit)

    assert length(cut) == utf16(cut) <= limit
    assert (cut == text) == (utf16(text) <= limit)
    assert cut == text or text.startswith(cut[:-1])
    assert utf16(fitted(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("abcdef", 4, "abc…"),
        ("ab  cdef", 5, "ab…"),
        ("ab😀cd", 4, "ab…"),
        ("ab😀cd", 5, "ab😀…"),
        ("👩‍👩‍👧‍👦👩‍👩‍👧‍👦", 13, "👩‍👩‍👧‍👦…"),
        ("ae\u0301bc", 3, "a…"),
        ("a👍🏽bcd", 4, "a…"),
        ("👩‍👩‍👧‍👦", 4, "👩…"),
    ],
)
def test_what_is_drawn_as_one_is_not_cut_apart(text: str, limit: int, expected: str) -> None:
    assert truncated(text, limit) == expected


# ------------------------------------------------------------ inputs and rules


def test_an_input_says_that_its_value_was_cut() -> None:
    block = text_input("b", "Goal", "a", limit=10, value="x" * 11, hint="Short is good.").to_dict()

    assert block["element"]["initial_value"] == "x" * 9 + "…"
    assert block["hint"]["text"].startswith("This had 11 characters and 10 fit")
    assert block["hint"]["text"].endswith("Short is good.")


def test_nobody_is_dropped_from_a_menu_of_people() -> None:
    element = people_select("a", ["U1", "U2", "U3"], most=2).to_dict()

    assert element["initial_users"] == ["U1", "U2", "U3"]
    assert "max_selected_items" not in element


def test_only_an_option_that_is_offered_is_chosen() -> None:
    options = [Option(value="1", text=plain("one"))]

    assert offered(options, 1) is options[0]
    assert offered(options, "2") is None
    assert offered(options, None) is None


def _words(kind: str = "plain_text", text: str = "x") -> dict[str, str]:
    return {"type": kind, "text": text}


def _view(element: Mapping[str, object], **changes: object) -> dict[str, object]:
    block = {"type": "input", "block_id": "b", "label": _words(), "element": element}
    view = {"type": "modal", "title": _words(), "submit": _words(), "blocks": [block]}
    return {**view, **changes}


def _options(*values: str) -> list[dict[str, object]]:
    return [{"value": value, "text": _words()} for value in values]


TYPED = {"type": "plain_text_input", "action_id": "a"}
NUMBER = {"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"}
SECTION = {"type": "section", "block_id": "s", "text": _words("mrkdwn")}
BROKEN = {
    "initial value too long": _view({**TYPED, "max_length": 3, "initial_value": "abcd"}),
    "counted in UTF-16": _view({**TYPED, "max_length": 3, "initial_value": "😀😀"}),
    "no limit of its own": _view({**TYPED, "initial_value": "x" * 3_001}),
    "initial value too short": _view({**TYPED, "min_length": 3, "initial_value": "ab"}),
    "limits crossed": _view({**TYPED, "min_length": 9, "max_length": 8}),
    "number out of range": _view({**NUMBER, "initial_value": "10"}),
    "no number": _view({**NUMBER, "initial_value": "ten"}),
    "option not offered": _view(
        {"type": "static_select", "options": _options("1"), "initial_option": _options("2")[0]}
    ),
    "options not offered": _view(
        {"type": "checkboxes", "options": _options("1"), "initial_options": _options("2")}
    ),
    "too many options": _view({"type": "static_select", "options": _options(*"x" * 101)}),
    "too many radio buttons": _view({"type": "radio_buttons", "options": _options(*"x" * 11)}),
    "too many people": _view(
        {"type": "multi_users_select", "max_selected_items": 1, "initial_users": ["U1", "U2"]}
    ),
    "no such day": _view({"type": "datepicker", "initial_date": "2026-02-30"}),
    "no such time": _view({"type": "timepicker", "initial_time": "24:30"}),
    "no submit": _view(TYPED, submit=None),
    "title too long": _view(TYPED, title=_words(text="😀" * 13)),
    "block id repeated": _view(TYPED, blocks=[SECTION, SECTION]),
    "empty text": _view(TYPED, blocks=[{**SECTION, "text": {"type": "mrkdwn"}}]),
    "small print too long": _view(
        TYPED, blocks=[{"type": "context", "elements": [_words("mrkdwn", "x" * 3_001)]}]
    ),
    "view too large": _view(
        TYPED, blocks=[{"type": "section", "text": _words("mrkdwn", "é" * 3_000)}] * 20
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_slack_refuses_is_found_here_and_by_the_stand_in(name: str) -> None:
    view = {key: value for key, value in BROKEN[name].items() if value is not None}

    assert broken_rules(view)
    assert check_view(view)
    assert broken_rules(_view(TYPED)) == []


def test_every_view_leaves_through_one_module() -> None:
    leaving = re.compile(r"views_(open|push|update)\b|response_action=")
    found = {
        str(file.relative_to(BOT))
        for file in BOT.rglob("*.py")
        if "playground" not in file.parts and leaving.search(file.read_text())
    }
    published = {
        str(file.relative_to(BOT))
        for file in BOT.rglob("*.py")
        if "outbox.publish(" in file.read_text()
    }

    assert found == {"slack/views.py"}
    assert published == {"home/lifecycle.py"}
