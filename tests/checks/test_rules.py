"""The rules for which check a round asks, and for what is shown of its answers."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.checks.model import Check, CheckAnswer, CheckFacts, CheckKind, EarlierRound
from bot.checks.rules import choose_check, median_word
from bot.promises.model import Promise
from tests.harness import ANA

PROMISE = Promise(
    promise_id="p1",
    phase_id="phase1",
    round_id="r1",
    made_by=ANA,
    name="Ana",
    made_at=datetime(2026, 11, 26, 9, 0, tzinfo=UTC),
    heard=None,
    text="When a review waits a day, I will take it.",
    is_change=True,
    outcome=None,
)
QUIET = EarlierRound(check=None, is_low=False, differs_by_one=False)
LOW = replace(QUIET, is_low=True)
LOW_AND_ASKED = replace(LOW, check=CheckKind.CONTINUE)
#: The second round of a four-week sprint with a protected line, in which nothing else is up.
SECOND_WEEK = CheckFacts(
    is_enabled=True,
    earlier=(QUIET,),
    is_closing=False,
    is_after_end=False,
    has_asked_since_end=False,
    day=8,
    planned_days=28,
    has_protected=True,
    books_recovery=True,
    due_promise=None,
)
AFTER = replace(SECOND_WEEK, earlier=(QUIET,) * 4, is_after_end=True, day=42)

kinds = st.sampled_from(CheckKind)
earlier_rounds = st.builds(
    EarlierRound, check=st.none() | kinds, is_low=st.booleans(), differs_by_one=st.booleans()
)
facts = st.builds(
    CheckFacts,
    is_enabled=st.booleans(),
    earlier=st.lists(earlier_rounds, max_size=6).map(tuple),
    is_closing=st.booleans(),
    is_after_end=st.booleans(),
    has_asked_since_end=st.booleans(),
    day=st.integers(0, 120),
    planned_days=st.integers(1, 84),
    has_protected=st.booleans(),
    books_recovery=st.booleans(),
    due_promise=st.sampled_from([None, PROMISE]),
)
counts = st.dictionaries(st.sampled_from(CheckAnswer), st.integers(0, 9))
ORDER = (CheckAnswer.YES, CheckAnswer.PARTLY, CheckAnswer.NO)


def asked(kind: CheckKind) -> EarlierRound:
    return replace(QUIET, check=kind)


def kind_of(known: CheckFacts) -> CheckKind | None:
    check = choose_check(known)
    return None if check is None else check.kind


# --- which check ----------------------------------------------------------------------------


@given(facts)
def test_nothing_is_asked_where_it_is_switched_off_or_in_the_first_round(known: CheckFacts) -> None:
    assert choose_check(replace(known, is_enabled=False)) is None
    assert choose_check(replace(known, earlier=())) is None


@given(facts)
def test_question_is_not_repeated_where_the_team_differs_by_one_person(known: CheckFacts) -> None:
    check = choose_check(known)
    comparable = {earlier.check for earlier in known.earlier if earlier.differs_by_one}

    assert check is None or check.promise or check.kind not in comparable


def test_other_question_takes_the_turn_of_one_that_could_be_compared() -> None:
    slipped = asked(CheckKind.SLIPPED)
    protected = replace(asked(CheckKind.PROTECTED), differs_by_one=True)
    both = (protected, replace(slipped, differs_by_one=True))

    assert kind_of(replace(SECOND_WEEK, earlier=(protected, slipped))) is CheckKind.SLIPPED
    assert kind_of(replace(SECOND_WEEK, earlier=both)) is None
    promised = replace(SECOND_WEEK, earlier=both, due_promise=PROMISE)
    assert kind_of(promised) is CheckKind.PROMISE


@given(facts)
def test_each_kind_is_asked_only_where_it_makes_sense(known: CheckFacts) -> None:
    match kind_of(known):
        case CheckKind.PROMISE:
            assert known.due_promise
        case CheckKind.CONTINUE:
            assert not known.is_closing
            assert not known.is_after_end
        case CheckKind.PROTECTED:
            assert known.has_protected
            assert not known.is_after_end
        case CheckKind.SLIPPED:
            assert not known.is_after_end
        case CheckKind.RECOVERY:
            assert known.is_after_end
            assert known.books_recovery
            assert not known.has_asked_since_end


@given(facts)
def test_due_promise_comes_first_while_the_phase_runs(known: CheckFacts) -> None:
    running = replace(known, is_enabled=True, earlier=(QUIET, *known.earlier), is_after_end=False)

    check = choose_check(replace(running, due_promise=PROMISE))

    assert check == Check(kind=CheckKind.PROMISE, promise=PROMISE)
    assert check.subject == "p1"


@given(facts)
def test_first_round_after_a_sprint_asks_for_room_to_recover(known: CheckFacts) -> None:
    first_after = replace(
        known,
        is_enabled=True,
        earlier=(QUIET,),
        is_after_end=True,
        has_asked_since_end=False,
        books_recovery=True,
    )

    assert kind_of(first_after) is CheckKind.RECOVERY


def test_promise_is_still_asked_about_in_later_rounds_after_the_end() -> None:
    later = replace(AFTER, has_asked_since_end=True)

    assert kind_of(later) is None
    assert kind_of(replace(later, due_promise=PROMISE)) is CheckKind.PROMISE
    trust_building = replace(AFTER, books_recovery=False, due_promise=PROMISE)
    assert kind_of(trust_building) is CheckKind.PROMISE


@pytest.mark.parametrize(
    ("planned_days", "days"),
    [(28, (1, 8, 15, 22)), (27, (1, 8, 15, 22)), (14, (1, 6)), (14, (1, 8)), (42, (3, 11, 18, 25))],
)
def test_going_on_is_asked_about_once_in_the_weekly_round_nearest_to_the_middle(
    planned_days: int, days: tuple[int, ...]
) -> None:
    earlier: tuple[EarlierRound, ...] = ()
    found = []
    for day in days:
        now = replace(SECOND_WEEK, earlier=earlier, day=day, planned_days=planned_days)
        kind = kind_of(now)
        earlier = (*earlier, replace(QUIET, check=kind))
        found += [day] if kind is CheckKind.CONTINUE else []

    nearest = min(days, key=lambda day: abs(2 * day - planned_days))
    assert found == [nearest]


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ((LOW,), CheckKind.PROTECTED),
        ((LOW, QUIET), CheckKind.PROTECTED),
        ((LOW, LOW), CheckKind.CONTINUE),
        ((LOW, LOW_AND_ASKED), CheckKind.PROTECTED),
        ((LOW_AND_ASKED, LOW), CheckKind.CONTINUE),
    ],
)
def test_going_on_is_asked_about_after_two_low_rounds_but_not_twice_in_a_row(
    earlier: tuple[EarlierRound, ...], expected: CheckKind
) -> None:
    assert kind_of(replace(SECOND_WEEK, earlier=earlier)) is expected


def test_going_on_is_not_asked_about_in_the_last_round_before_the_end() -> None:
    low = replace(SECOND_WEEK, earlier=(LOW, LOW), day=25, is_closing=True)

    assert kind_of(low) is CheckKind.PROTECTED


def test_protected_and_slipped_take_turns() -> None:
    promised = asked(CheckKind.PROMISE)
    protected, slipped = asked(CheckKind.PROTECTED), asked(CheckKind.SLIPPED)

    assert kind_of(SECOND_WEEK) is CheckKind.PROTECTED
    assert kind_of(replace(SECOND_WEEK, earlier=(protected, promised))) is CheckKind.SLIPPED
    assert kind_of(replace(SECOND_WEEK, earlier=(protected, slipped))) is CheckKind.PROTECTED
    assert kind_of(replace(SECOND_WEEK, has_protected=False)) is CheckKind.SLIPPED


# --- what is shown --------------------------------------------------------------------------


@given(counts, st.integers(1, 12))
def test_nothing_is_shown_below_the_minimum_and_cannot_say_never_counts(
    given_counts: dict[CheckAnswer, int], minimum: int
) -> None:
    counting = sum(given_counts.get(answer, 0) for answer in ORDER)
    word = median_word(given_counts, minimum)

    assert (word is None) == (counting < minimum)
    assert word is not CheckAnswer.CANNOT_SAY
    assert word is median_word({**given_counts, CheckAnswer.CANNOT_SAY: 9}, minimum)


@given(counts)
def test_word_is_the_median_and_between_two_answers_partly(
    given_counts: dict[CheckAnswer, int],
) -> None:
    answers = [answer for answer in ORDER for _ in range(given_counts.get(answer, 0))]
    middle = answers[max(len(answers) - 1, 0) // 2 : len(answers) // 2 + 1]
    expected = middle[0] if len(set(middle)) == 1 else CheckAnswer.PARTLY

    assert median_word(given_counts, 1) is (expected if answers else None)


@given(counts)
def test_yes_and_no_mirror_each_other(given_counts: dict[CheckAnswer, int]) -> None:
    mirror = dict(zip(ORDER, reversed(ORDER), strict=True))
    mirrored = {mirror[answer]: given_counts.get(answer, 0) for answer in ORDER}
    word = median_word(given_counts, 4)

    assert median_word(mirrored, 4) is (None if word is None else mirror[word])


@pytest.mark.parametrize("people", range(4, 15))
def test_word_never_makes_it_certain_that_exactly_one_person_did_not_say_yes_or_said_no(
    people: int,
) -> None:
    """The reader knows how many answered, and reasons over all histograms."""
    others: dict[CheckAnswer | None, tuple[set[int], set[int]]] = {}
    for yes in range(people + 1):
        for partly in range(people - yes + 1):
            no = people - yes - partly
            word = median_word(dict(zip(ORDER, (yes, partly, no), strict=True)), 4)
            not_yes, said_no = others.setdefault(word, (set(), set()))
            not_yes.add(people - yes)
            said_no.add(no)

    assert set(others) == set(ORDER)
    assert all({1} not in numbers for numbers in others.values())


def test_median_of_nobody_is_nothing_even_without_a_minimum() -> None:
    assert median_word({CheckAnswer.CANNOT_SAY: 3}, 0) is None
