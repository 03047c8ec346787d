"""Rules of work on hold: limits, duplicates, days, and which items a text names."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agenda.work_calendar import WEEKDAYS
from bot.on_hold import rules
from bot.on_hold.rules import Change, HoldProposal, ItemChange, ListChanges
from bot.phases.model import ItemOutcome, SetAsideItem
from tests.announcement.phases import item
from tests.harness import ANA, BEN

TODAY, LAST = date(2026, 12, 4), date(2026, 12, 18)
LATER = date(2027, 1, 11)
DARK, HIRING = item(0, "Dark mode", BEN), item(1, "hiring", ANA)
PARKED = replace(HIRING, outcome=ItemOutcome.PARKED, parked_until=LATER)
BACK = replace(HIRING, outcome=ItemOutcome.RESUMED, back_on=TODAY, back_reason="The board asked.")
PROPOSAL = HoldProposal(
    proposal_id="p1", text="Monthly report", proposed_by=BEN, proposer_name="Ben"
)
ANSWERED = replace(PROPOSAL, accepted=False, answered_by=ANA, answer_name="Ana", answer="No.")

words = st.text(alphabet="abcdefghijklmnop", min_size=3, max_size=8).filter(
    lambda word: word not in rules._COMMON
)
phrases = st.lists(words, min_size=1, max_size=6, unique=True)


def refused(*items: SetAsideItem, **submitted: object) -> dict[str, str]:
    changes = ListChanges(**submitted)  # type: ignore[arg-type]
    return rules.refusals_to_change(items, changes, LAST, TODAY)


def change(kind: Change, until: date | None = None, of: SetAsideItem = DARK) -> ItemChange:
    return ItemChange(position=of.position, was=of.parked_until, change=kind, until=until)


def many(count: int) -> tuple[SetAsideItem, ...]:
    return tuple(item(at, f"Work {at}", BEN) for at in range(count))


def test_unchanged_list_is_accepted() -> None:
    stay = (change(Change.STAY), change(Change.STAY, of=PARKED))
    assert refused(DARK, PARKED, changes=stay) == {}


def test_item_comes_back_early_only_with_a_reason() -> None:
    back = (change(Change.BACK),)
    assert refused(DARK, changes=back) == {"reason": rules.NO_REASON}
    assert refused(DARK, changes=back, reason="A customer asked.") == {}


@given(days=st.integers(-40, 400))
def test_item_is_parked_only_until_a_day_after_the_phase(days: int) -> None:
    until = TODAY + timedelta(days=days)
    refusals = refused(DARK, changes=(change(Change.PARK, until),))
    assert (refusals == {}) is (until > LAST)
    assert refusals.keys() <= {"until:0"}


def test_parked_item_needs_a_day() -> None:
    assert refused(DARK, changes=(change(Change.PARK),)) == {"until:0": rules.NO_DAY}


def test_parked_item_may_be_parked_again_or_brought_back() -> None:
    for kind, until in ((Change.PARK, LATER + timedelta(days=7)), (Change.BACK, None)):
        changes = (change(kind, until, of=PARKED),)
        assert refused(DARK, PARKED, changes=changes, reason="The board asked.") == {}


@pytest.mark.parametrize("now", [PARKED, BACK, None])
def test_item_changed_since_the_form_was_opened_is_refused(now: SetAsideItem | None) -> None:
    items = [each for each in (DARK, now) if each is not None]
    changes = (change(Change.BACK, of=HIRING),)
    assert refused(*items, changes=changes, reason="Why not.") == {"item:1:": rules.CHANGED}


@pytest.mark.parametrize("text", ["dark mode", "  DARK   Mode!", "Dark-mode."])
def test_same_work_is_not_put_on_hold_twice(text: str) -> None:
    assert refused(DARK, new_text=text) == {
        "new.text": 'That\'s on the list already, as "Dark mode".'
    }


def test_work_brought_back_may_be_put_on_hold_again() -> None:
    assert refused(DARK, BACK, new_text="Hiring") == {}
    both = (change(Change.BACK),)
    assert refused(DARK, changes=both, reason="It's live.", new_text="Dark mode") == {}


@given(waiting=st.integers(0, 12), returned=st.integers(0, 30))
def test_list_never_grows_past_what_the_announcement_and_the_closing_hold(
    waiting: int, returned: int
) -> None:
    back = [replace(BACK, position=at) for at in range(returned)]
    items = [*back, *(replace(one, position=returned + at) for at, one in enumerate(many(waiting)))]
    fits = waiting < rules.WAITING_LIMIT and waiting + returned < rules.ITEM_LIMIT
    assert (refused(*items, new_text="One more") == {}) is fits


def test_place_of_an_item_that_comes_back_is_free_at_once() -> None:
    items = many(rules.WAITING_LIMIT)
    changes = (change(Change.BACK, of=items[3]),)
    assert refused(*items, new_text="One more").keys() == {"new.text"}
    assert refused(*items, changes=changes, reason="Due.", new_text="One more") == {}


@given(length=st.integers(0, 600))
def test_texts_longer_than_the_limit_are_refused(length: int) -> None:
    text = "x" * length
    assert (refused(DARK, reason=text).keys() == {"reason"}) is (length > 240)
    assert (refused(DARK, new_text=text).keys() == {"new.text"}) is (length > 240)
    assert (rules.refusal_to_propose((), (), text) is None) is (0 < length <= 240)
    declined = rules.refusal_to_answer(PROPOSAL, (), accepts=False, line=text)
    assert (declined is None) is (0 < length <= 240)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", rules.NO_TEXT),
        ("Dark mode", "That's on the list already"),
        ("monthly  REPORT", "Ben has already proposed that"),
        ("The demo", None),
    ],
)
def test_only_new_work_may_be_proposed(text: str, told: str | None) -> None:
    refusal = rules.refusal_to_propose((DARK, BACK), (PROPOSAL,), text)
    assert refusal is None if told is None else told in (refusal or "")


def test_declined_work_may_be_proposed_again() -> None:
    assert rules.refusal_to_propose((DARK,), (ANSWERED,), ANSWERED.text) is None


@pytest.mark.parametrize("accepts", [True, False])
def test_proposal_is_answered_once(accepts: bool) -> None:
    refusal = rules.refusal_to_answer(ANSWERED, (), accepts=accepts, line="Yes.")
    assert refusal == "Ana has already answered this. The answer is in the thread."


def test_line_is_needed_to_decline_only() -> None:
    assert rules.refusal_to_answer(PROPOSAL, (), accepts=True, line="") is None
    assert rules.refusal_to_answer(PROPOSAL, (), accepts=False, line="") == rules.NO_ANSWER


def test_proposal_is_not_accepted_onto_a_full_list() -> None:
    full = many(rules.WAITING_LIMIT)
    assert "10 things are on hold already" in (
        rules.refusal_to_answer(PROPOSAL, full, accepts=True, line="") or ""
    )


@pytest.mark.parametrize(
    ("message", "found"),
    [
        ("Could somebody look at DARK mode today?", ["Dark mode"]),
        ("mode: dark, please", ["Dark mode"]),
        ("It gets dark early", []),
        ("darkmode", []),
        ("Is hiring (the second interview) on?", ["hiring"]),
        ("hiring and dark mode", ["Dark mode", "hiring"]),
        ("We need the CSV importer rewritten", ["Rewrite of the importer for CSV"]),
        ("We need the importer", []),
        ("", []),
    ],
)
def test_items_are_found_by_their_words(message: str, found: list[str]) -> None:
    items = (DARK, HIRING, item(2, "Rewrite of the importer for CSV", BEN))
    assert [each.text for each in rules.items_named_in(message, items)] == found


@given(own=phrases, before=phrases, after=phrases)
def test_item_is_found_in_any_text_with_all_of_its_words(
    own: list[str], before: list[str], after: list[str]
) -> None:
    message = " ".join([*before, *reversed(own), *after]).upper()
    assert rules.items_named_in(message, [item(0, " ".join(own), BEN)])


@given(own=phrases, others=phrases)
def test_item_is_not_found_where_fewer_than_half_of_its_words_stand(
    own: list[str], others: list[str]
) -> None:
    shared = len(set(own) & set(others))
    found = rules.items_named_in(" ".join(others), [item(0, " ".join(own), BEN)])
    assert bool(found) is (shared >= 1 and shared * 2 >= len(own) and shared >= min(2, len(own)))


def test_item_of_short_words_alone_is_found_by_them() -> None:
    assert rules.items_named_in("What about the UI?", [item(0, "UI", BEN)])


@given(until=st.dates(TODAY, LATER), last=st.dates(TODAY, LATER))
def test_parked_work_is_followed_up_on_a_working_day_after_the_phase(
    until: date, last: date
) -> None:
    on = rules.follow_up_day(until, last, WEEKDAYS)
    assert on > last
    assert on >= until
    assert on.weekday() < 5
    assert (on - max(until, last)).days <= 3
