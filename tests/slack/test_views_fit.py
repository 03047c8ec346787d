"""Every form, filled with arbitrary text, is a view that Slack accepts."""

from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.views import View

from bot.announcement import details_page, expectation_forms, part_messages
from bot.ending import extend_form, wrap_up_form
from bot.home import channel_form, held_messages, phase_section
from bot.home import view as home
from bot.home.model import HomeContents
from bot.phases.model import ExpectationReply, Participant, Phase
from bot.phases.rules import PhaseKind
from bot.playground.fake_slack.checks import check_view
from bot.rounds import answer_form, questions_form
from bot.rounds.answer_changes import NOTHING_YET, AnswerInput
from bot.rounds.model import OpenQuestionnaire
from bot.rounds.questions import WORDINGS, Question, about_leads, questions_for
from bot.slack.errors import Refused
from bot.slack.mrkdwn import clean, quote
from bot.slack.view_rules import broken_rules
from bot.slack.views import refusal_view
from bot.start import page_moment, page_preview, page_promise
from bot.start.draft import Draft, Row
from bot.start.page_moment import LastPhase
from bot.start.promise_texts import fields_of
from bot.workspaces import settings_form
from bot.workspaces.rules import WorkspaceSettings
from tests.announcement.phases import NAMES, SPRINT, TODAY, TRUST, item, participant
from tests.harness import ANA, BEN
from tests.home.test_view import ANSWERED, FULL_LINE, HELD, OPEN
from tests.rounds.test_messages import ASKING
from tests.start.test_form_pages import MOMENT, PREVIEW, PROMISE

SAMPLES = ("a", "&", "*", "<@U0BEN>", "😀", "👩‍👩‍👧‍👦", "e\u0301", "שלום ", "字", "{lead}", "\n")
#: Texts that people may type: short mixed ones, or one sample repeated.
TEXTS = st.text(max_size=40) | st.builds(
    lambda sign, count: (sign * count)[:3_500],
    st.sampled_from(SAMPLES),
    st.sampled_from((1, 75, 80, 121, 240, 241, 300, 301, 1_001, 3_001)),
)
TYPED_TEXTS = TEXTS.map(clean)
NONEMPTY_TEXTS = TEXTS.filter(bool)
DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
IDS = st.integers(0, 10**9).map(lambda number: f"U{number:010}")
LEVELS = st.none() | st.integers(1, 5)
PHASE_TEXTS = (
    *("milestone", "justification", "extension_reason"),
    *("outcome", "learning", "thanks"),
)
WEEKDAYS = st.integers(0, 6)

questions = st.builds(
    lambda words, leads: about_leads(leads, questions_for(PhaseKind.TRUST_BUILDING, words)),
    st.dictionaries(
        st.sampled_from(tuple(WORDINGS)),
        st.fixed_dictionaries(
            {}, optional={name: TYPED_TEXTS for name in ("label", "to_member", "to_lead")}
        ),
    ),
    st.lists(NONEMPTY_TEXTS, min_size=1, max_size=6),
)
drafts = st.builds(
    Draft,
    kind=st.sampled_from(list(PhaseKind)),
    kind_given=st.booleans(),
    answers=st.fixed_dictionaries(dict.fromkeys(("clarity", "trust", "ego"), LEVELS)),
    doubt_shown=st.booleans(),
    starts_anyway=st.booleans(),
    texts=st.fixed_dictionaries(
        {"milestone": TYPED_TEXTS, "justification": TYPED_TEXTS},
        optional={
            each.name: TYPED_TEXTS
            for kind in PhaseKind
            for each in fields_of(kind)
            if each.name != "milestone"
        },
    ),
    ends_on=DAYS,
    rows=st.lists(
        st.builds(Row, text=TYPED_TEXTS, owner_id=st.none() | IDS), min_size=1, max_size=5
    ).map(tuple),
    justification_request=st.none() | NONEMPTY_TEXTS.filter(lambda text: len(quote(text)) < 3_000),
    wants_example=st.booleans(),
    is_richer=st.booleans(),
    more_options=st.booleans(),
    members=st.none() | st.lists(IDS, max_size=20, unique=True).map(tuple),
    team_by_hand=st.booleans(),
    co_leads=st.lists(IDS, max_size=9, unique=True).map(tuple),
    weekday=WEEKDAYS,
    comments_to=st.sampled_from(("leads", "team", "nobody")),
)


@st.composite
def phases(draw: st.DrawFn) -> Phase:
    """A phase in which every text that people write is arbitrary."""
    phase = draw(st.sampled_from((SPRINT, TRUST)))
    people: list[Participant] = [
        participant(
            user_id,
            name=draw(NONEMPTY_TEXTS),
            is_lead=draw(st.booleans()) or user_id == ANA,
            contribution=draw(st.none() | TYPED_TEXTS),
            expectation=draw(st.none() | TYPED_TEXTS),
            expectation_reply=draw(st.none() | st.sampled_from(ExpectationReply)),
            thanks_line=draw(st.none() | TYPED_TEXTS),
        )
        for user_id in NAMES
    ]
    items = tuple(
        replace(item(number, draw(TYPED_TEXTS.filter(bool)), BEN), owner_name=draw(TEXTS))
        for number in range(draw(st.integers(0, 5)))
    )
    promise: Any = phase.promise
    words = {name: draw(TYPED_TEXTS) for name in promise.__dataclass_fields__}
    texts: Any = {name: draw(TYPED_TEXTS) for name in PHASE_TEXTS}
    return replace(
        phase,
        promise=replace(promise, **words),
        weekday=draw(WEEKDAYS),
        people=tuple(people),
        set_aside_items=items,
        **texts,
    )


def assert_accepted(view: View) -> None:
    """Check a view by the rules of slack_sdk, of the bot and of the fake Slack."""
    sent = view.to_dict()
    assert broken_rules(sent) == []
    assert check_view(sent) == []


many_examples = settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@many_examples
@given(drafts, questions, NONEMPTY_TEXTS, st.booleans())
def test_start_form_pages_are_accepted(
    draft: Draft, asked: tuple[Question, ...], notice: str, is_first: bool
) -> None:
    assert draft.kind is not None
    last = None if is_first else LastPhase(lesson=notice)
    assert_accepted(page_moment.build(replace(MOMENT, questions=asked, last=last), draft))
    told = {"members": notice, "co_leads": notice, "justification": notice}
    assert_accepted(page_promise.build(replace(PROMISE, notices=told), draft, draft.kind))


@many_examples
@given(phases(), NONEMPTY_TEXTS, st.sampled_from(("0", "1", BEN)))
def test_phase_views_are_accepted(phase: Phase, notice: str, page: str) -> None:
    assert_accepted(page_preview.build(replace(PREVIEW, phase=phase, refusal=notice)))
    assert_accepted(page_preview.done(phase, TODAY))
    assert_accepted(extend_form.build(phase, TODAY, TODAY))
    assert_accepted(wrap_up_form.build(phase))
    assert_accepted(part_messages.contribution_form(phase, BEN))
    assert_accepted(part_messages.concern_form(phase))
    assert_accepted(expectation_forms.build(phase, page))
    for reply in (ExpectationReply.CHANGE, ExpectationReply.TOO_MUCH):
        assert_accepted(expectation_forms.reply_form(phase, phase.people[0], reply))
        assert expectation_forms.reply_to_leads(phase, phase.people[0], reply, notice)
    assert_accepted(part_messages.concern_received(phase))
    assert_accepted(details_page.build(phase, TODAY, is_opted_out=False))
    assert_accepted(part_messages.contribution_saved(phase, clean(notice)))
    assert_accepted(extend_form.cannot_extend(phase, notice[:500], TODAY, may_start=True))
    assert_accepted(refusal_view(Refused(notice)))


@many_examples
@given(
    questions,
    st.lists(NONEMPTY_TEXTS, min_size=1, max_size=6).map(tuple),
    st.booleans(),
    TYPED_TEXTS,
    st.fixed_dictionaries(dict.fromkeys(("clarity", "trust", "ego"), LEVELS)),
)
def test_answer_form_and_home_tab_are_accepted(
    asked: tuple[Question, ...],
    names: tuple[str, ...],
    to_lead: bool,
    comment: str,
    answers: dict[str, int | None],
) -> None:
    questionnaire = replace(ASKING, questions=asked, leads=names, to_lead=to_lead)
    assert_accepted(answer_form.build(questionnaire, AnswerInput(answers=answers, comment=comment)))
    assert_accepted(
        home.build(
            HomeContents(
                questions=(OpenQuestionnaire(questionnaire=questionnaire, progress=NOTHING_YET),),
                phases=(),
                today=TODAY,
            )
        )
    )


@many_examples
@given(
    st.builds(
        WorkspaceSettings,
        budget_percent=st.integers(-5, 500),
        default_weekday=WEEKDAYS,
        default_zone=TEXTS,
        starters=st.none() | st.lists(IDS, max_size=300, unique=True).map(tuple),
    ),
    st.dictionaries(
        st.sampled_from(tuple(WORDINGS)),
        st.dictionaries(st.sampled_from(("label", "to_member", "to_lead")), TYPED_TEXTS),
    ),
)
def test_settings_views_are_accepted(
    workspace_settings: WorkspaceSettings, words: dict[str, dict[str, str]]
) -> None:
    assert_accepted(settings_form.build(workspace_settings))
    assert_accepted(questions_form.build(WORDINGS, words))
    assert_accepted(held_messages.build(HELD))
    assert_accepted(channel_form.build())


def test_full_home_tab_stays_within_slacks_block_limit() -> None:
    asked = tuple(
        replace(one, questionnaire=replace(ASKING, round_id=f"{number:032}"))
        for number, one in enumerate((OPEN,) * 40 + (ANSWERED,) * 40)
    )
    facts = HomeContents(
        questions=asked,
        phases=tuple(replace(FULL_LINE, phase_id=f"{number:032}") for number in range(40)),
        held=(HELD,) * 3,
        held_count=9,
        today=TODAY,
        may_start=True,
    )
    assert_accepted(home.build(facts))
    texts = str(home.build(facts).to_dict())
    assert home.MORE_QUESTIONS in texts
    assert phase_section.MORE_PHASES.format(count=40 - phase_section.PHASES_SHOWN) in texts


def test_details_of_a_large_team_are_truncated_to_fit() -> None:
    people = [participant(ANA)] + [
        replace(participant(BEN, contribution="字" * 240), user_id=f"U{number:09}")
        for number in range(400)
    ]
    view = details_page.build(replace(SPRINT, people=tuple(people)), TODAY)

    assert_accepted(view)
    assert details_page.MORE_PARTS.split("{")[0] in str(view.to_dict())
