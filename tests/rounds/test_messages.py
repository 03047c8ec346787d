"""Texts of the messages about a round, none of which ever contains an answer or an input."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from bot.checks.model import CHECK_KEY, AskedCheck, CheckKind
from bot.phases.rules import PhaseKind
from bot.playground.fake_slack.checks import check_blocks
from bot.promises.model import Reply
from bot.rounds import messages, questions
from bot.rounds.answer_changes import NOTHING_YET, Progress
from bot.rounds.model import Introduction, QuestionnaireView, RoundEnd
from bot.rounds.rules import RoundKind
from bot.slack.content import Content
from bot.slack.words import word_count

CLOSES = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
HOSTILE = "*Ana* <!channel> <@U0BEN> <https://x.example|y> `a` _b_ & \u202eabc"
KEYS = ("clarity", "trust", "ego")
ASKING = QuestionnaireView(
    round_id="r" * 32,
    phase_id="p" * 32,
    phase_kind=PhaseKind.RESULTS_SPRINT,
    kind=RoundKind.WEEKLY,
    channel_id="C0LAUNCH",
    to_lead=False,
    leads=("Ana",),
    minimum=5,
    questions=questions.about_leads(["Ana"]),
    closes_at=CLOSES,
    comments_to="leads",
)
TRUST = replace(
    ASKING,
    phase_kind=PhaseKind.TRUST_BUILDING,
    questions=questions.about_leads(["Ana"], questions.questions_for(PhaseKind.TRUST_BUILDING)),
)
TWO_LEADS = replace(ASKING, leads=("Ana", "Ben"), questions=questions.about_leads(["Ana", "Ben"]))
FIRST = replace(
    ASKING,
    kind=RoundKind.FIRST,
    introduction=Introduction(milestone="Ship the beta", ends_on=date(2026, 12, 18)),
    expectation="Getting the importer through review by Thursday.",
)


def saying(text: str) -> Reply:
    return Reply(heard=text, text=text, is_change=True)


CHECKS = {
    kind: AskedCheck(kind=kind, text=text)
    for kind, text in {
        CheckKind.PROMISE: "When a review waits a day, I will take it.",
        CheckKind.CONTINUE: "",
        CheckKind.PROTECTED: "Weekends, 1:1s, booked leave.",
        CheckKind.SLIPPED: "",
        CheckKind.RECOVERY: "",
    }.items()
}
NOTE = "Too many goals.\nWhen a review waits a day, I'll take it."
LONG = " ".join(["word"] * 200)
LONG_CHECK = AskedCheck(kind=CheckKind.PROMISE, text=LONG)
END = RoundEnd(channel_id="C0LAUNCH", reached_minimum=True, is_unreadable=False)


def after(*answered: str, is_skipped: bool = False) -> Progress:
    return Progress(answered=frozenset(answered), is_skipped=is_skipped)


SHOWN = {
    **{kind.value: messages.questions_message(replace(ASKING, kind=kind)) for kind in RoundKind},
    "trust_building": messages.questions_message(TRUST),
    "two_leads": messages.questions_message(TWO_LEADS),
    "with_note": messages.questions_message(replace(ASKING, reply=saying(NOTE), reply_by="Ana")),
    "with_long_note": messages.questions_message(
        replace(ASKING, reply=saying(LONG), reply_by="Ana")
    ),
    **{
        f"check_{kind}": messages.questions_message(replace(ASKING, check=check))
        for kind, check in CHECKS.items()
    },
    "check_answered": messages.questions_message(
        replace(ASKING, check=CHECKS[CheckKind.PROMISE]), after(CHECK_KEY)
    ),
    "check_after_note": messages.questions_message(
        replace(ASKING, check=CHECKS[CheckKind.PROMISE], reply=saying(NOTE), reply_by="Ana")
    ),
    "check_in_reminder": messages.questions_message(
        replace(ASKING, check=CHECKS[CheckKind.PROMISE]), is_reminder=True
    ),
    "received_without_check": messages.questions_message(
        replace(ASKING, check=CHECKS[CheckKind.PROMISE]), after(*KEYS)
    ),
    "received_with_check": messages.questions_message(
        replace(ASKING, check=CHECKS[CheckKind.PROMISE]), after(*KEYS, CHECK_KEY)
    ),
    "first_message": messages.questions_message(FIRST),
    "first_message_replied": messages.questions_message(replace(FIRST, has_replied=True)),
    "first_message_received": messages.questions_message(FIRST, after(*KEYS)),
    "to_lead": messages.questions_message(replace(ASKING, to_lead=True)),
    "to_lead_trust_building": messages.questions_message(replace(TRUST, to_lead=True)),
    "one_answered": messages.questions_message(ASKING, after("clarity")),
    "two_answered": messages.questions_message(ASKING, after("clarity", "ego")),
    "received": messages.questions_message(ASKING, after(*KEYS)),
    "received_from_lead": messages.questions_message(replace(ASKING, to_lead=True), after(*KEYS)),
    "skipped": messages.questions_message(ASKING, after(is_skipped=True)),
    "rest_skipped": messages.questions_message(ASKING, after("trust", is_skipped=True)),
    "reminder": messages.questions_message(FIRST, is_reminder=True),
    "reminder_one_answered": messages.questions_message(ASKING, after("ego"), is_reminder=True),
    "closed": messages.closed(END, to_lead=False),
    "closed_few": messages.closed(replace(END, reached_minimum=False), to_lead=False),
    "closed_unreadable": messages.closed(
        replace(END, reached_minimum=False, is_unreadable=True), to_lead=False
    ),
    "closed_to_lead": messages.closed(END, to_lead=True),
    "talking_points": messages.talking_points(ASKING.questions),
}
#: Every state in which a message about one round can be, whoever it is to.
VIEWS = {
    "member": ASKING,
    "trust_building": TRUST,
    "two_leads": TWO_LEADS,
    "note": replace(ASKING, reply=saying(NOTE), reply_by="Ana"),
    "long_note": replace(ASKING, reply=saying(LONG), reply_by="Ana"),
    "lead": replace(ASKING, to_lead=True),
    "lead_trust_building": replace(TRUST, to_lead=True),
    **{f"check_{kind}": replace(TWO_LEADS, check=check) for kind, check in CHECKS.items()},
    "long_check": replace(TWO_LEADS, check=LONG_CHECK),
    "long_check_and_note": replace(ASKING, check=LONG_CHECK, reply=saying(LONG), reply_by="Ana"),
}
STATES = [
    after(*answered, is_skipped=is_skipped)
    for count in range(5)
    for answered in itertools.combinations((*KEYS, CHECK_KEY), count)
    for is_skipped in (False, True)
]


@pytest.fixture
def json_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


def as_sent(message: Content) -> dict[str, object]:
    return {"text": message.text, "blocks": message.blocks}


def _in_words(progress: Progress) -> str:
    """Return an id of a state that is the same in every process; sets have no order."""
    answered = " ".join(sorted(progress.answered)) or "nothing"
    return f"{answered}{' skipped' if progress.is_skipped else ''}"


@pytest.mark.parametrize("name", SHOWN)
def test_message_matches_snapshot(name: str, json_snapshot: SnapshotAssertion) -> None:
    assert as_sent(SHOWN[name]) == json_snapshot


@pytest.mark.parametrize("name", SHOWN)
def test_blocks_are_valid_for_slack(name: str) -> None:
    assert check_blocks(SHOWN[name].blocks, "message") == []


@pytest.mark.parametrize("name", SHOWN)
def test_first_line_fits_a_notification(name: str) -> None:
    message = SHOWN[name]

    assert len(message.text) <= 80
    assert "!" not in message.text.replace("<!", "")


@pytest.mark.parametrize("name", SHOWN)
def test_message_holds_no_input(name: str) -> None:
    types = {block["type"] for block in SHOWN[name].blocks}
    elements = {
        element["type"]
        for block in SHOWN[name].blocks
        if block["type"] == "actions"
        for element in block["elements"]
    }

    assert types <= {"section", "actions", "context"}
    assert elements <= {"button"}


@pytest.mark.parametrize("is_reminder", [False, True])
@pytest.mark.parametrize("state", STATES, ids=_in_words)
@pytest.mark.parametrize("name", VIEWS)
def test_whole_message_has_at_most_120_words(name: str, state: Progress, is_reminder: bool) -> None:
    message = messages.questions_message(VIEWS[name], state, is_reminder=is_reminder)

    assert word_count(message.blocks) <= 120


@pytest.mark.parametrize("state", STATES, ids=_in_words)
@pytest.mark.parametrize("milestone", ["", "Ship the beta", LONG])
def test_first_message_has_at_most_160_words(milestone: str, state: Progress) -> None:
    first = replace(
        FIRST,
        introduction=Introduction(milestone=milestone, ends_on=date(2026, 12, 18)),
        expectation=LONG[:150],
        reply=saying(LONG),
        reply_by="Ana",
        check=LONG_CHECK,
    )

    assert word_count(messages.questions_message(first, state).blocks) <= 160


@pytest.mark.parametrize("is_reminder", [False, True])
@pytest.mark.parametrize("kind", CheckKind)
@pytest.mark.parametrize("asking", [ASKING, TWO_LEADS, TRUST], ids=["one", "two", "trust"])
def test_check_is_asked_at_once_or_after_the_first_tap_where_the_reply_needs_the_room(
    asking: QuestionnaireView, kind: CheckKind, is_reminder: bool
) -> None:
    checked = replace(asking, check=CHECKS[kind], reply=saying(LONG), reply_by="Ana")
    new, tapped = (
        str(messages.questions_message(checked, state, is_reminder=is_reminder).blocks)
        for state in (NOTHING_YET, after("trust"))
    )

    row = f"answer:{asking.round_id}:{CHECK_KEY}"
    assert row in tapped
    assert row in new or asking is TWO_LEADS
    assert is_reminder or ">word word" in new
    first = replace(FIRST, expectation=LONG[:150], check=CHECKS[kind])
    without, folded = map(partial(messages.questions_message, first), (NOTHING_YET, after(*KEYS)))
    assert CHECK_KEY not in str(without.blocks)
    assert CHECK_KEY in str(folded.blocks)


def test_check_and_note_that_are_both_long_share_the_words_that_are_left() -> None:
    message = str(messages.questions_message(VIEWS["long_check_and_note"]).blocks)

    asked = message.index("Did this happen?")
    assert message[:asked].count("word") == 6
    assert message[asked:].count("word") == 7


def test_answered_check_folds_and_the_questions_alone_make_the_receipt() -> None:
    checked = replace(ASKING, check=CHECKS[CheckKind.PROMISE])
    answered = messages.questions_message(checked, after(CHECK_KEY))
    receipt, whole = (
        messages.questions_message(checked, after(*KEYS, *more)) for more in ((), (CHECK_KEY,))
    )

    assert "The promise ✓" in str(answered.blocks)
    assert "Did this happen?" not in str(answered.blocks)
    assert receipt.text == whole.text == messages.RECEIVED
    assert "I will take it.”" in str(receipt.blocks)
    assert "The promise ✓" in str(whole.blocks)
    skipped = messages.questions_message(checked, after("trust", is_skipped=True))
    assert "Did this happen?" not in str(skipped.blocks)


def test_note_is_cut_to_the_words_that_are_left() -> None:
    whole, cut = SHOWN["with_note"], SHOWN["with_long_note"]

    assert "take it." in json.dumps(whole.blocks)
    assert "word…" in str(cut.blocks)
    assert word_count(cut.blocks) == 120


def test_five_buttons_are_the_same_whatever_was_answered() -> None:
    def buttons(message: Content) -> dict[str, object]:
        return {
            block["block_id"]: block
            for block in message.blocks
            if block["type"] == "actions" and block.get("block_id")
        }

    whole = buttons(SHOWN["weekly"])

    assert list(whole) == [f"answer:{'r' * 32}:{key}" for key in KEYS]
    for state in STATES:
        shown = buttons(messages.questions_message(ASKING, state))
        assert shown.items() <= whole.items()


def test_privacy_note_states_the_minimum_of_the_round() -> None:
    assert messages.small_print(replace(ASKING, minimum=6)) == (
        "Ana sees totals only, from 6 answers on. Until closing, whoever runs this server could "
        "link answers to you; then they're deleted. Company exports show that you answered, never "
        "what."
    )


def test_several_leads_take_a_plural_verb() -> None:
    assert messages.small_print(TWO_LEADS).startswith("Ana and Ben see totals only")
    assert "do our leads make time" in json.dumps(messages.questions_message(TWO_LEADS).blocks)


def test_user_text_cannot_trigger_mentions_or_links() -> None:
    words = {"clarity": {"label": HOSTILE, "to_member": f"Does {HOSTILE}?"}}
    asked = questions.questions_for(PhaseKind.RESULTS_SPRINT, words)
    hostile = replace(
        FIRST,
        leads=(HOSTILE,),
        reply=saying(f"{HOSTILE}\n{HOSTILE}"),
        reply_by="Ana",
        introduction=Introduction(milestone=HOSTILE, ends_on=date(2026, 12, 18)),
        expectation=HOSTILE,
        check=AskedCheck(kind=CheckKind.PROTECTED, text=HOSTILE),
        questions=questions.about_leads([HOSTILE], asked),
    )
    for state in (NOTHING_YET, after("clarity")):
        message = messages.questions_message(hostile, state)
        assert check_blocks(message.blocks, "message") == []

        formatted = [
            text["text"]
            for block in message.blocks
            for text in (block.get("text"), *block.get("elements", ()))
            if text and text["type"] == "mrkdwn"
        ]
        assert all("<!channel>" not in text and "<@U0BEN>" not in text for text in formatted)
        assert all("<https" not in text for text in formatted)


def test_long_names_and_a_long_note_fit_slack_limits() -> None:
    long = "Person " + "&" * 80
    crowd = replace(
        FIRST,
        leads=(long, long),
        reply=saying("<&>" * 1_000),
        reply_by="Ana",
        expectation="&" * 150,
        check=AskedCheck(kind=CheckKind.PROMISE, text="<&>" * 1_000),
    )

    assert check_blocks(messages.questions_message(crowd).blocks, "message") == []
