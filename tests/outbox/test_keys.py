"""Message keys: stable stored form, round-trip parsing."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from bot.db import schema
from bot.db.engine import Database
from bot.outbox import keys
from bot.outbox.keys import Derived, MessageKey, MessageKind
from tests.harness import ANA, BEN
from tests.rounds.round_rows import ROUND, a_phase, a_round

P, R, B = "f" * 32, "a" * 32, "b" * 32
DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

#: One key of each kind in its stored form, on which existing databases depend.
STORED = {
    keys.other_lead_unreachable(P, "U1", "U2"): f"alone:{P}:U1:U2",
    keys.announcement(P): f"announcement:{P}",
    keys.ask(R, "U1"): f"ask:{R}:U1",
    keys.back_early(P, B): f"back_early:{P}:{B}",
    keys.closing(P): f"closing:{P}",
    keys.comments(R, "C1", 2): f"comments:{R}:C1:2",
    keys.concerns(P, B, 0, "U1"): f"concerns:{P}:{B}:0:U1",
    keys.concern_answer(P, "b" * 16): f"concern_answer:{P}:{'b' * 16}",
    keys.decision(P, B): f"decision:{P}:{B}",
    keys.decision_asked(P, B, "U1"): f"decision_asked:{P}:{B}:U1",
    keys.extended(P): f"extended:{P}",
    keys.goodbye(P, "U1"): f"goodbye:{P}:U1",
    keys.history_picture("b" * 16, "U1"): f"history_picture:{'b' * 16}:U1",
    keys.hold_answer(P, B): f"hold_answer:{P}:{B}",
    keys.hold_proposal(P, B): f"hold_proposal:{P}:{B}",
    keys.home("U1"): "home:U1",
    keys.installed("U1"): "installed:U1",
    keys.lead_results(R, "U1"): f"lead_results:{R}:U1",
    keys.late_thanks(P, "U1"): f"line:{P}:U1",
    keys.announcement_missing(P, "U1"): f"missing:{P}:U1",
    keys.mistake(P, "b" * 16): f"mistake:{P}:{'b' * 16}",
    keys.nobody_leads(P, "U1"): f"nobody_leads:{P}:U1",
    keys.nobody_reads(P, "U1"): f"nobody_reads:{P}:U1",
    keys.not_delivered(keys.results(R), "U1"): f"not_said:results:{R}::U1",
    keys.not_delivered(keys.talking_points(P, DAY), "U1"): f"not_said:talking_points:{P}::U1",
    keys.not_delivered(keys.goodbye(P, "U2"), "U1"): f"not_said:goodbye:{P}:U2:U1",
    keys.not_delivered(keys.late_thanks(P, "U2"), "U1"): f"not_said:line:{P}:U2:U1",
    keys.not_delivered(
        keys.concerns(P, "b" * 32, 1, "U2"), "U1"
    ): f"not_said:concerns:{P}:{'b' * 32}:U1",
    keys.parked(P, 0, DAY, "U1"): f"parked:{P}:0:2026-11-24:U1",
    keys.parked_unowned(P, 0, DAY): f"parked_unowned:{P}:0:2026-11-24",
    keys.not_delivered(keys.hold_answer(P, B), "U1"): f"not_said:hold_answer:{P}:{B}:U1",
    keys.paused(P, NOON, "U1"): f"paused:{P}:1795521600:U1",
    keys.expectation_reply(P, "b" * 16, "U1"): f"expectation_reply:{P}:{'b' * 16}:U1",
    keys.reflect(R, "U1"): f"reflect:{R}:U1",
    keys.remind(R, "U1"): f"remind:{R}:U1",
    keys.results(R): f"results:{R}",
    keys.talking_points(P, DAY): f"talking_points:{P}:2026-11-24",
    keys.undecided(P, B): f"undecided:{P}:{B}",
    keys.warning(P, DAY, "U1"): f"warn:{P}:2026-11-24:U1",
    keys.wrap_up(P, "U1"): f"wrap_up:{P}:U1",
    keys.wrapped_up(P): f"wrapped_up:{P}",
    keys.edit_of(keys.ask(R, "U1")): f"edit:ask:{R}:U1",
    keys.derived("pin", keys.announcement(P)): f"pin:announcement:{P}",
    keys.unbookmark_of(keys.announcement(P)): f"unbookmark:bookmark:announcement:{P}",
}

ids = st.text(alphabet="0123456789abcdef", min_size=32, max_size=32)
people = st.text(alphabet="ABCDEFGH0123456789", min_size=2, max_size=12).map("U{}".format)
days, numbers = st.dates(), st.integers(min_value=0, max_value=99)
#: The builder of each kind, and strategies for its arguments.
BUILT: dict[MessageKind, tuple[Callable[..., MessageKey], dict[str, st.SearchStrategy[object]]]] = {
    MessageKind.OTHER_LEAD_UNREACHABLE: (
        keys.other_lead_unreachable,
        {"phase": ids, "unreachable": people, "person": people},
    ),
    MessageKind.ANNOUNCEMENT: (keys.announcement, {"phase": ids}),
    MessageKind.ASK: (keys.ask, {"round": ids, "person": people}),
    MessageKind.BACK_EARLY: (keys.back_early, {"phase": ids, "form": ids}),
    MessageKind.CLOSING: (keys.closing, {"phase": ids}),
    MessageKind.COMMENTS: (keys.comments, {"round": ids, "to": people, "number": numbers}),
    MessageKind.CONCERNS: (
        keys.concerns,
        {"phase": ids, "batch": ids, "number": numbers, "person": people},
    ),
    MessageKind.CONCERN_ANSWER: (keys.concern_answer, {"phase": ids, "answer": ids}),
    MessageKind.DECISION: (keys.decision, {"phase": ids, "decision": ids}),
    MessageKind.DECISION_ASKED: (
        keys.decision_asked,
        {"phase": ids, "decision": ids, "person": people},
    ),
    MessageKind.EXPECTATION_REPLY: (
        keys.expectation_reply,
        {"phase": ids, "reply": ids, "person": people},
    ),
    MessageKind.EXTENDED: (keys.extended, {"phase": ids}),
    MessageKind.GOODBYE: (keys.goodbye, {"phase": ids, "person": people}),
    MessageKind.HISTORY_PICTURE: (keys.history_picture, {"page": ids, "person": people}),
    MessageKind.HOLD_ANSWER: (keys.hold_answer, {"phase": ids, "proposal": ids}),
    MessageKind.HOLD_PROPOSAL: (keys.hold_proposal, {"phase": ids, "proposal": ids}),
    MessageKind.HOME: (keys.home, {"person": people}),
    MessageKind.INSTALLED: (keys.installed, {"person": people}),
    MessageKind.LEAD_RESULTS: (keys.lead_results, {"round": ids, "person": people}),
    MessageKind.LATE_THANKS: (keys.late_thanks, {"phase": ids, "person": people}),
    MessageKind.ANNOUNCEMENT_MISSING: (keys.announcement_missing, {"phase": ids, "person": people}),
    MessageKind.MISTAKE: (keys.mistake, {"phase": ids, "story": ids}),
    MessageKind.NOBODY_LEADS: (keys.nobody_leads, {"phase": ids, "person": people}),
    MessageKind.NOBODY_READS: (keys.nobody_reads, {"phase": ids, "person": people}),
    MessageKind.PARKED: (
        keys.parked,
        {"phase": ids, "item": numbers, "until": days, "person": people},
    ),
    MessageKind.PARKED_UNOWNED: (
        keys.parked_unowned,
        {"phase": ids, "item": numbers, "until": days},
    ),
    MessageKind.PAUSED: (
        lambda phase_id, since, user_id: keys.paused(
            phase_id, datetime.fromtimestamp(since, UTC), user_id
        ),
        {"phase": ids, "since": st.integers(0, 4_000_000_000), "person": people},
    ),
    MessageKind.REFLECT: (keys.reflect, {"round": ids, "person": people}),
    MessageKind.REMIND: (keys.remind, {"round": ids, "person": people}),
    MessageKind.RESULTS: (keys.results, {"round": ids}),
    MessageKind.TALKING_POINTS: (keys.talking_points, {"phase": ids, "day": days}),
    MessageKind.UNDECIDED: (keys.undecided, {"phase": ids, "decision": ids}),
    MessageKind.WARN: (keys.warning, {"phase": ids, "ends_on": days, "person": people}),
    MessageKind.WRAP_UP: (keys.wrap_up, {"phase": ids, "person": people}),
    MessageKind.WRAPPED_UP: (keys.wrapped_up, {"phase": ids}),
}


@st.composite
def built(draw: st.DrawFn, kind: MessageKind) -> tuple[MessageKey, dict[str, str]]:
    """A key of this kind, and the parts it was built from."""
    build, parts = BUILT[kind]
    given_parts = {name: draw(values) for name, values in parts.items()}
    return build(*given_parts.values()), {name: str(one) for name, one in given_parts.items()}


def test_stored_form_of_keys_is_stable():
    assert {str(key): text for key, text in STORED.items()} == {t: t for t in STORED.values()}
    assert {key.kind for key in STORED} == set(MessageKind)


def test_builders_cover_every_kind():
    assert {*BUILT, MessageKind.NOT_DELIVERED} == set(MessageKind)


@given(data=st.data())
@settings(max_examples=20)
def test_key_round_trips_through_its_text(data: st.DataObject) -> None:
    for kind in BUILT:
        key, parts = data.draw(built(kind))
        read = MessageKey(str(key))

        assert (read.kind, read.fields) == (kind, parts)
        assert (read.phase_id, read.round_id) == (parts.get("phase"), parts.get("round"))
        assert read.user_id == parts.get("person")
        assert read.message == read


@given(data=st.data(), user_id=people)
@settings(max_examples=20)
def test_not_said_key_keeps_the_kind_phase_and_round_of_its_message(
    data: st.DataObject, user_id: str
) -> None:
    for kind in BUILT:
        if kind in (MessageKind.HOME, MessageKind.INSTALLED):
            continue
        of, _ = data.draw(built(kind))
        read = MessageKey(str(keys.not_delivered(of, user_id)))

        assert (read.kind, read.user_id) == (MessageKind.NOT_DELIVERED, user_id)
        assert read.fields["about"] == kind
        assert (read.phase_id, read.round_id) == (of.phase_id, of.round_id)


@given(data=st.data(), derivations=st.lists(st.sampled_from(Derived), min_size=1, max_size=2))
@settings(max_examples=20)
def test_derived_key_refers_to_its_message(data: st.DataObject, derivations: list[Derived]) -> None:
    for kind in BUILT:
        of, parts = data.draw(built(kind))
        key = of
        for one in derivations:
            key = keys.derived(one, key)

        assert key.message == of
        assert (key.kind, key.fields) == (kind, parts)


@pytest.mark.parametrize("text", ["something:new:U1", "something", "", "not_said", "ask"])
def test_unknown_or_malformed_key_has_no_ids(text: str) -> None:
    key = MessageKey(text)

    assert (key.phase_id, key.round_id, key.user_id) == (None, None, None)
    assert key.log_fields == {"key": text}


async def test_keys_built_in_sql_equal_those_built_in_python(db: Database) -> None:
    async with db.transaction() as tx:
        await a_phase(tx)
        await a_round(tx)
    rounds, people_ = schema.rounds, schema.round_people
    wanted = select(keys.question_in_sql(rounds, people_), keys.remind_in_sql(rounds, people_))
    async with db.reading() as reader:
        rows = await reader.execute(wanted.join(people_, people_.c.round_id == rounds.c.round_id))
        found = {tuple(row) for row in rows}

    assert {
        (keys.reflect(ROUND, ANA), keys.remind(ROUND, ANA)),
        (keys.ask(ROUND, BEN), keys.remind(ROUND, BEN)),
    } <= found
