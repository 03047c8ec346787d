"""Isolation of workspaces: reads and writes never reach another one with the same ids."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.agenda.schedule import AgendaItem
from bot.announcement import concerns
from bot.announcement import refresh as phases
from bot.announcement.contributions import save_contribution
from bot.channel_health import (
    channel_events,
    delivery_failures,
    membership_events,
    pause,
    unreachable_people,
)
from bot.clock import AdjustableClock
from bot.ending import end, extend, goodbyes, summary
from bot.ending import wrap_up as ending_wrap_up
from bot.ending.extend_form import Extension
from bot.ending.wrap_up_form import WrapUp
from bot.home import held_decisions
from bot.home import lifecycle as home
from bot.on_hold import lifecycle, parked, proposals
from bot.on_hold.proposal_forms import Answer
from bot.on_hold.rules import Change, ItemChange, ItemDecision, ListChanges
from bot.on_hold.store import proposals_of
from bot.operations.message_decisions import Decision
from bot.outbox import keys
from bot.outbox.enqueue import Operation
from bot.outbox.failed_message import FailedMessage
from bot.phases import history, opt_outs, quiet_hours, store
from bot.phases.model import ItemOutcome, MilestoneOutcome, PauseReason, Phase
from bot.phases.quiet_hours import next_allowed_at
from bot.phases.rules import Actor, PhaseLimits
from bot.results import store as results
from bot.rounds import membership, questionnaires
from bot.rounds import store as rounds
from bot.rounds.answer_changes import AnswerInput
from bot.rounds.answering import open_questionnaires_for
from bot.rounds.membership import ChannelMembership
from bot.rounds.other_phases import other_phases
from bot.services import Services
from bot.slack.errors import ErrorKind
from bot.slack.request import Request
from bot.start import begin, draft_store
from bot.start.begin import PhaseStart
from bot.start.draft import Draft
from bot.status import store as status_store
from bot.workspaces import lifecycle as workspaces
from bot.workspaces import profile_refresh
from bot.workspaces import store as settings
from bot.workspaces.rules import WorkspaceSettings
from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    DEV,
    EMI,
    GENERAL,
    GUSTAVO,
    HANA,
    LAUNCH,
    OWNER,
    PLATFORM,
)
from tests.results.result_rows import latest_reply_text
from tests.rounds.round_rows import NOW
from tests.start.proposals import SPRINT
from tests.two_workspaces import (
    BOTH,
    CLOSED_ROUND,
    DRAFT,
    DROPPED_ROUND,
    ELSEWHERE,
    HELD,
    NEWER_DRAFT,
    OLD_ROUND,
    ONE_SIDED,
    OPEN_ROUND,
    OVER,
    PEOPLE,
    RUNS,
    TwoWorkspaces,
)

TODAY = date(2026, 11, 23)
SINCE = date(2026, 9, 1)
CHANNELS = (LAUNCH, PLATFORM, GENERAL)
Read = Callable[[Any, str, Services], Awaitable[Any]]
Write = Callable[[Services, str], Awaitable[Any]]


async def loaded(tx: Any, ws: str, phase_id: str = RUNS) -> Phase:
    phase = await store.load(tx, ws, phase_id)
    assert phase is not None
    return phase


async def questions_of_open_round(tx: Any, ws: str) -> Any:
    found = await rounds.round_of(tx, ws, OPEN_ROUND)
    assert found is not None
    return await questionnaires.load(tx, ws, OPEN_ROUND, (BEN, EMI))


async def who_answered(tx: Any, ws: str, services: Services) -> Any:
    found = await rounds.round_of(tx, ws, OPEN_ROUND)
    assert found is not None
    people = await rounds.roster(tx, ws, OPEN_ROUND)
    leads = [replace(one, is_lead=True) for one in people]
    return sorted(await rounds.who_responded(tx, services.keys, ws, found, leads))


async def asked_elsewhere(tx: Any, ws: str, phase: Phase) -> Any:
    found = await other_phases(tx, ws, phase, (ANA, BEN, DEV), NOW)
    slots = sorted((user_id, sorted(theirs.items())) for user_id, theirs in found.slots.items())
    return [other.milestone for other in found.older], sorted(found.planned.items()), slots


def of_phase(name: str) -> Read:
    """Return a read of one attribute of the running phase."""

    async def read(tx: Any, ws: str, _: Services) -> Any:
        return getattr(await loaded(tx, ws), name)

    return read


def with_phase(read: Callable[[Any, str, Phase], Awaitable[Any]], phase_id: str = RUNS) -> Read:
    """Return a read that first loads a phase of its workspace."""

    async def read_phase(tx: Any, ws: str, _: Services) -> Any:
        return await read(tx, ws, await loaded(tx, ws, phase_id))

    return read_phase


READS: dict[str, Read] = {
    "active_in": lambda tx, ws, _: store.active_in(tx, ws, LAUNCH),
    "latest_in": lambda tx, ws, _: store.latest_in(tx, ws, LAUNCH),
    "affected_in": lambda tx, ws, _: store.active_or_paused_in(tx, ws, PLATFORM),
    "active_ids": lambda tx, ws, _: store.active_ids(tx, ws),
    "zones_in": lambda tx, ws, _: store.zones_in(tx, ws, (*CHANNELS, "C0SECOND")),
    "load": lambda tx, ws, _: store.load(tx, ws, RUNS),
    "lock": lambda tx, ws, _: store.lock(tx, ws, OVER),
    "phases_of": lambda tx, ws, _: store.phases_of(tx, ws, BEN),
    "asked_elsewhere": with_phase(asked_elsewhere, ONE_SIDED),
    "people": of_phase("people"),
    "set_aside_items": of_phase("set_aside_items"),
    "proposals_of": lambda tx, ws, _: proposals_of(tx, ws, RUNS),
    "phase_settings": of_phase("settings"),
    "limits": of_phase("limits"),
    "past_sprints": lambda tx, ws, _: store.past_sprints(tx, ws, LAUNCH, SINCE),
    "past_of": lambda tx, ws, _: history.sprint_history(tx, ws, SPRINT, PhaseLimits(), None),
    "past_of_continued": lambda tx, ws, _: history.sprint_history(
        tx, ws, SPRINT, PhaseLimits(), RUNS
    ),
    "ended_since": lambda tx, ws, _: history.ended_phase_ids(tx, ws, PLATFORM, SINCE),
    "teams": lambda tx, ws, _: history.team_counts(tx, ws, LAUNCH, TODAY),
    "summarize": with_phase(summary.summarize, OVER),
    "find_draft": lambda tx, ws, _: draft_store.find(tx, ws, DRAFT, ANA),
    "find_newer_draft": lambda tx, ws, _: draft_store.find(tx, ws, NEWER_DRAFT, ANA),
    "unfinished_id": lambda tx, ws, _: draft_store.unfinished_id(tx, ws, LAUNCH, ANA),
    "next_allowed_at": lambda tx, ws, s: quiet_hours.next_allowed_at(
        tx, ws, (LAUNCH, BEN), night(s)
    ),
    "round_of": lambda tx, ws, _: rounds.round_of(tx, ws, OPEN_ROUND),
    "round_to_close": lambda tx, ws, _: rounds.round_to_close(tx, ws, CLOSED_ROUND),
    "last_opening": lambda tx, ws, _: rounds.last_opening(tx, ws, LAUNCH),
    "next_number": lambda tx, ws, _: rounds.next_number(tx, ws, RUNS),
    "asked_among": lambda tx, ws, _: rounds.roster_entries(tx, ws, OPEN_ROUND, (BEN, CHIARA)),
    "asked_person": lambda tx, ws, _: rounds.roster_entry(tx, ws, OPEN_ROUND, BEN),
    "roster": lambda tx, ws, _: rounds.roster(tx, ws, OPEN_ROUND),
    "open_about": lambda tx, ws, _: rounds.open_rounds_of(tx, ws, DEV),
    "open_about_both": lambda tx, ws, _: rounds.open_rounds_of(tx, ws, ANA),
    "put_to": lambda tx, ws, _: questions_of_open_round(tx, ws),
    "open_for": lambda tx, ws, s: open_questionnaires_for(tx, ws, EMI, s.keys, s.clock.now()),
    "who_answered": who_answered,
    "reflection": lambda tx, ws, _: rounds.reflection(tx, ws, RUNS, CLOSED_ROUND, ANA),
    "opted_out": lambda tx, ws, _: store.opted_out_ids(tx, ws, LAUNCH),
    "opted_out_channels": lambda tx, ws, _: store.opted_out_channels(tx, ws, BEN),
    "closed_rounds": with_phase(results.closed_rounds),
    "phase_of_round": lambda tx, ws, _: results.phase_of_round(tx, ws, DROPPED_ROUND),
    "earlier_rounds": lambda tx, ws, _: rounds.earlier_rounds(tx, ws, RUNS),
    "comments_of": lambda tx, ws, s: results.comments_of(tx, s.keys, ws, CLOSED_ROUND),
    "latest_reply_text": lambda tx, ws, _: latest_reply_text(tx, ws, RUNS),
    "history": with_phase(results.history, OVER),
    "latest_shown": with_phase(lambda tx, ws, phase: results.latest_shown(tx, ws, [phase]), OVER),
    "held_messages_of": lambda tx, ws, _: held_decisions.held_messages_of(tx, ws),
    "settings_of": lambda tx, ws, _: settings.settings_of(tx, ws),
    "settings_to_change": lambda tx, ws, _: settings.settings_to_change(tx, ws),
    "audit_of": lambda tx, ws, _: settings.audit_of(tx, ws),
    "next_allowed_at_of_people": lambda tx, ws, s: next_allowed_at(
        tx, ws, (BEN, "U0NEW"), night(s)
    ),
}


def night(services: Services) -> Any:
    return services.clock.now() - timedelta(hours=5)


def sorted_text(found: Any) -> str:
    return str(sorted(found)) if isinstance(found, frozenset) else str(found)


@pytest.mark.parametrize("name", READS)
async def test_read_sees_only_its_own_workspace(
    two_workspaces: TwoWorkspaces, services: Services, name: str
) -> None:
    async def read(workspace_id: str) -> str:
        async with services.db.transaction() as tx:
            return sorted_text(await READS[name](tx, workspace_id, services))

    alone = {}
    for workspace_id in BOTH:
        await two_workspaces.clear()
        await two_workspaces.fill(workspace_id)
        alone[workspace_id] = await read(workspace_id)
    await two_workspaces.fill(BOTH[0])

    assert {workspace_id: await read(workspace_id) for workspace_id in BOTH} == alone
    assert alone[BOTH[0]] != alone[BOTH[1]]  # otherwise the test proves nothing


async def test_read_of_one_phase_or_round_sees_no_other(
    two_workspaces: TwoWorkspaces, services: Services
) -> None:
    ws, other = BOTH[0], {RUNS: OVER, OVER: RUNS}
    await two_workspaces.fill(ws)
    async with services.db.reading() as reader:
        for phase_id in (RUNS, OVER):
            phase = await loaded(reader, ws, phase_id)
            shown = await results.closed_rounds(reader, ws, phase)
            round_id = {RUNS: CLOSED_ROUND, OVER: OLD_ROUND}[phase_id]
            comments = await results.comments_of(reader, services.keys, ws, round_id)
            note = await latest_reply_text(reader, ws, phase_id)
            reflections = await results.reflections_of(reader, ws, phase, round_id)

            assert [one.round_id for one in shown] == [round_id]
            assert len(shown[0].figures) == 2
            assert (len(phase.set_aside_items), len(phase.people)) == (1, 7)
            assert comments == (f"Comment of {round_id} in {ws}",)
            assert note == f"Promise of {round_id} in {ws}"
            assert [one.answers for one in reflections] == [
                {"clarity": {RUNS: 3, OVER: 2}[phase_id]}
            ]
            assert f" of {other[phase_id]} in" not in str(phase)
            where = (phase_id, round_id, ANA)
            assert await rounds.reflection(reader, ws, *where) == AnswerInput(
                answers=reflections[0].answers
            )
            assert await rounds.reflection(reader, ws, phase_id, OPEN_ROUND, ANA) is None
            assert await rounds.reflection(reader, ws, phase_id, round_id, BEN) is None


async def test_reflections_and_zones_come_from_their_own_workspace(
    two_workspaces: TwoWorkspaces, services: Services
) -> None:
    for workspace_id in BOTH:
        await two_workspaces.fill(workspace_id)
    found = []
    async with services.db.reading() as reader:
        for workspace_id in BOTH:
            phase = await loaded(reader, workspace_id)
            mine = await results.reflections_of(reader, workspace_id, phase, CLOSED_ROUND)
            zones = {lead.user_id: lead.zone for lead in phase.leads}
            found.append(([(one.name[-6:], one.answers, one.shared) for one in mine], zones))

    assert found == [
        ([("T0PLAY", {"clarity": 3}, False)], {ANA: "Europe/Lisbon"}),
        (
            [("0OTHER", {"clarity": 5}, True), ("0OTHER", {"clarity": 5}, True)],
            {ANA: "America/New_York", DEV: "America/New_York"},
        ),
    ]


def in_transaction(do: Callable[[Any, str, Services], Awaitable[Any]]) -> Write:
    """Return a write that runs in one transaction of its caller."""

    async def write(services: Services, workspace_id: str) -> None:
        async with services.db.transaction() as tx:
            await do(tx, workspace_id, services)

    return write


def run_due(
    action: Callable[[Services, AgendaItem], Awaitable[Any]], name: str, subject: str = ""
) -> Write:
    """Return a write that runs a due agenda item."""

    async def write(services: Services, workspace_id: str) -> None:
        item = AgendaItem(
            workspace_id=workspace_id,
            action=name,
            subject=subject or workspace_id,
            due_at=services.clock.now(),
        )
        await action(services, item)

    return write


def on_event(listener: Callable[..., Awaitable[Any]], **event: str) -> Write:
    """Return a write that delivers a Slack event."""

    async def write(services: Services, workspace_id: str) -> None:
        body = {"event_id": "Ev1", "event_time": services.clock.now().timestamp(), "event": event}
        context = SimpleNamespace(team_id=workspace_id, bot_user_id="U0IMBAL")
        await listener(services, body, context)

    return write


def by(ws: str, user_id: str, target_id: str = "") -> Request:
    return Request(workspace_id=ws, user_id=user_id, target_id=target_id)


async def end_phase(tx: Any, ws: str, services: Services) -> None:
    phase = await store.lock(tx, ws, RUNS)
    assert phase is not None
    await end.end_now(tx, ws, phase, by=ANA, now=services.clock.now())


async def apply_membership(tx: Any, ws: str, services: Services) -> None:
    phase = await loaded(tx, ws)
    person = (await services.people.get_many(services.client_for(ws), ws, [CHIARA, BEN])).values()
    seen = ChannelMembership(
        member_ids=frozenset((ANA, BEN, CHIARA, EMI, "U0NEW")),
        newcomers=frozenset((CHIARA, "U0NEW")),
        profiles={one.user_id: one for one in person},
    )
    await membership.apply_membership(tx, ws, phase, seen, services.clock.now())


async def read_membership(services: Services, ws: str) -> None:
    """A read outside of any transaction; an audit row records its result."""
    seen = await membership.read_channel(services, ws, RUNS)
    assert seen is not None
    async with services.db.transaction() as tx:
        await settings.add_audit_entry(
            tx,
            ws,
            actor=ANA,
            action="look",
            subject="",
            before=sorted(seen.newcomers),
            after=sorted(seen.profiles),
            now=services.clock.now(),
        )


async def schedule_goodbyes(tx: Any, ws: str, services: Services) -> None:
    phase = await loaded(tx, ws, OVER)
    await goodbyes.schedule_goodbyes(tx, ws, phase, None, services.clock.now())
    await goodbyes.advance_goodbyes(tx, ws, phase, services.clock.now() + timedelta(days=1))


async def schedule_dates(tx: Any, ws: str, services: Services) -> None:
    phase = await loaded(tx, ws)
    await phases.schedule_dates(tx, ws, phase, services.clock.now())
    await phases.cancel_warnings(tx, ws, phase)


async def store_pause(tx: Any, ws: str, services: Services) -> None:
    now = services.clock.now()
    await pause.store_pause(tx, ws, await loaded(tx, ws), at=now, because=PauseReason.NOT_VISIBLE)


async def refuse_message(tx: Any, ws: str, services: Services) -> None:
    await delivery_failures.on_refused(
        tx,
        FailedMessage(
            workspace_id=ws,
            message_id="any",
            key=keys.announcement(RUNS),
            operation=Operation.POST,
            conversation=PLATFORM,
            reason="not_in_channel",
            error_kind=ErrorKind.PERMANENT,
        ),
        services.clock.now(),
    )


async def save_draft(tx: Any, ws: str, services: Services) -> None:
    stored = await draft_store.find(tx, ws, DRAFT, ANA)
    assert stored is not None
    changed = replace(stored, draft=Draft(ends_on=TODAY))
    await draft_store.save(tx, ws, changed, services.clock.now())


def save_settings(tx: Any, ws: str, s: Services) -> Awaitable[Any]:
    chosen = WorkspaceSettings(default_weeks=3)
    return settings.save_settings(tx, ws, chosen, actor=OWNER, now=s.clock.now())


def save_part(s: Services, ws: str) -> Awaitable[Any]:
    return save_contribution(s, by(ws, EMI, RUNS), text="I do.", field="f")


def raise_concern(s: Services, ws: str) -> Awaitable[Any]:
    return concerns.raise_concern(s, by(ws, EMI, RUNS), text="Hm.", field="f", view_id="V1")


def start_phase(s: Services, ws: str) -> Awaitable[Any]:
    proposal = replace(SPRINT, channel_id="C0NEW", justification="It is worth it.")
    return begin.start_phase(
        s,
        ws,
        PhaseStart(
            proposal=proposal,
            settings=WorkspaceSettings(),
            answers={"ego": 2},
            draft_id=DRAFT,
            channel_member_ids=PEOPLE,
        ),
    )


def wrap_up(s: Services, ws: str) -> Awaitable[Any]:
    submitted = WrapUp(
        outcome="Done.",
        milestone_outcome=MilestoneOutcome.HIT,
        decisions={0: ItemDecision(outcome=ItemOutcome.DROPPED)},
        lines={EMI: "Yours held."},
    )
    return ending_wrap_up.wrap_up(s, by(ws, ANA, RUNS), submitted)


def change_list(s: Services, ws: str) -> Awaitable[Any]:
    back = ItemChange(position=0, was=None, change=Change.BACK)
    submitted = ListChanges(changes=(back,), reason="Asked.", new_text="More")
    return lifecycle.change_list(s, by(ws, ANA, RUNS), submitted, view_id="V1")


def accept_proposal(s: Services, ws: str) -> Awaitable[Any]:
    return proposals.answer(s, by(ws, ANA, RUNS), "proposal", Answer(), accepts=True)


def extend_phase(s: Services, ws: str) -> Awaitable[Any]:
    longer = Extension(ends_on=date(2026, 12, 3), reason="One more week.")
    return extend.extend(s, by(ws, ANA, RUNS), longer)


async def opt_in(s: Services, ws: str) -> None:
    for user_id in (BEN, CHIARA):
        await opt_outs.opt_in(s, ws, LAUNCH, user_id)


def drop_held(s: Services, ws: str) -> Awaitable[Any]:
    return held_decisions.decide(s, Decision.DROP, by(ws, OWNER, HELD))


def show_home(s: Services, ws: str) -> Awaitable[Any]:
    actor = Actor(user_id=BEN, is_full_member=True, is_admin=True)
    return home.show_home(s, by(ws, BEN), channel_ids=CHANNELS, actor=actor)


def change_settings(s: Services, ws: str) -> Awaitable[Any]:
    return workspaces.change_settings(
        s, by(ws, OWNER), change=lambda now: replace(now, default_weeks=3)
    )


def installed(tx: Any, ws: str, s: Services) -> Awaitable[Any]:
    us = {"team_id": ws, "user_id": "U0IMBAL", "team": "New name"}
    return workspaces.store_installation(tx, us, s.clock.now())


WRITES: dict[str, Write] = {
    "opt_out": lambda s, ws: opt_outs.opt_out(s, ws, LAUNCH, EMI),
    "opt_in": opt_in,
    "show_home": show_home,
    "drop_held_message": drop_held,
    "save_draft": in_transaction(save_draft),
    "mark_announced": in_transaction(
        lambda tx, ws, _: draft_store.mark_announced(tx, ws, DRAFT, RUNS)
    ),
    "delete_old_drafts": run_due(draft_store.delete_old_drafts, "delete_old_drafts"),
    "save_contribution": save_part,
    "raise_concern": raise_concern,
    "deliver_concerns": run_due(concerns.deliver_concerns, "deliver_concerns", RUNS),
    "start": start_phase,
    "extend": extend_phase,
    "warn_end": run_due(extend.warn_of_end, "warn_end", RUNS),
    "wrap_up": wrap_up,
    "change_list": change_list,
    "propose": lambda s, ws: proposals.propose(s, by(ws, EMI, RUNS), "More", view_id="V1"),
    "accept_proposal": accept_proposal,
    "follow_up_parked": run_due(parked.follow_up_parked, "follow_up_parked", f"{OVER}:0"),
    "end_now": in_transaction(end_phase),
    "end_phase": run_due(end.end_phase, "end_phase", RUNS),
    "schedule_goodbyes": in_transaction(schedule_goodbyes),
    "schedule_dates": in_transaction(schedule_dates),
    "refresh_announcement": run_due(phases.refresh_announcement, "refresh_announcement", RUNS),
    "pause": in_transaction(
        lambda tx, ws, s: pause.pause(tx, ws, RUNS, PauseReason.ARCHIVED, s.clock.now()),
    ),
    "store_pause": in_transaction(store_pause),
    "check_channel": run_due(pause.check_channel, "check_channel", RUNS),
    "report_missing_announcement": run_due(
        delivery_failures.report_missing_announcement, "report_missing_announcement", RUNS
    ),
    "on_refused": in_transaction(refuse_message),
    "drop_person": run_due(unreachable_people.drop_person, "drop_person", ANA),
    "channel_archived": on_event(
        channel_events.on_channel_changed, type="channel_archive", channel=PLATFORM
    ),
    "channel_deleted": on_event(
        channel_events.on_channel_deleted, type="channel_deleted", channel=LAUNCH
    ),
    "channel_id_changed": on_event(
        channel_events.on_channel_id_changed,
        type="channel_id_changed",
        old_channel_id=LAUNCH,
        new_channel_id="C0NEW",
    ),
    "member_joined": on_event(
        membership_events.on_membership_changed,
        type="member_joined_channel",
        user=GUSTAVO,
        channel=LAUNCH,
    ),
    "sync_members": run_due(membership_events.sync_members, "sync_members", RUNS),
    "apply_membership": in_transaction(apply_membership),
    "set_baseline": in_transaction(
        lambda tx, ws, s: membership.set_baseline(tx, ws, ONE_SIDED, [OWNER], s.clock.now()),
    ),
    "mark_joined": in_transaction(lambda tx, ws, _: mark_joined(tx, ws)),
    "read_channel": read_membership,
    "save_settings": in_transaction(save_settings),
    "change_settings": change_settings,
    "uninstall": in_transaction(
        lambda tx, ws, s: workspaces.uninstall(tx, ws, "account_inactive", s.clock.now()),
    ),
    "installed": in_transaction(installed),
    "tidy": run_due(workspaces.tidy, "tidy"),
    "read_soon": in_transaction(
        lambda tx, ws, s: profile_refresh.schedule_read(tx, ws, EMI, s.clock.now())
    ),
    "read_all": in_transaction(
        lambda tx, ws, s: profile_refresh.schedule_all_reads(tx, ws, s.clock.now())
    ),
}


ABOUT_ONE_PHASE = {
    "save_contribution",
    "raise_concern",
    "deliver_concerns",
    "extend",
    "warn_end",
    "wrap_up",
    "change_list",
    "propose",
    "accept_proposal",
    "end_now",
    "end_phase",
    "schedule_dates",
    "refresh_announcement",
    "pause",
    "store_pause",
    "check_channel",
    "apply_membership",
    "report_missing_announcement",
    "member_joined",
    "sync_members",
    "mark_joined",
    "drop_person",
}


def rows_of_other_phases(rows: dict[str, list[str]]) -> list[str]:
    """Return the rows of the other phases, except agenda items and messages about them."""
    others = [f"'phase_id': '{one}'" for one in (OVER, ELSEWHERE, ONE_SIDED)]
    return [row for found in rows.values() for row in found if any(one in row for one in others)]


async def mark_joined(tx: Any, ws: str) -> None:
    for user_id in (GUSTAVO, HANA):
        await membership.remove_non_participant(tx, ws, RUNS, user_id)


@pytest.mark.parametrize("name", WRITES)
async def test_write_changes_only_its_own_workspace(
    two_workspaces: TwoWorkspaces, services: Services, clock: AdjustableClock, name: str
) -> None:
    """A write has the same effect with and without the other workspace, and none on that one."""
    for workspace_id, other in (BOTH, BOTH[::-1]):
        await two_workspaces.clear()
        await two_workspaces.fill(workspace_id)
        at_first = await two_workspaces.rows(workspace_id)
        await WRITES[name](services, workspace_id)
        alone = await two_workspaces.rows(workspace_id)
        await two_workspaces.clear()
        for one in BOTH:
            await two_workspaces.fill(one)
        theirs = await two_workspaces.rows(other)

        await WRITES[name](services, workspace_id)

        assert alone != at_first
        if name in ABOUT_ONE_PHASE:
            assert rows_of_other_phases(alone) == rows_of_other_phases(at_first)
        assert await two_workspaces.rows(workspace_id) == alone
        assert await two_workspaces.rows(other) == theirs


async def test_budget_and_channel_status_come_from_their_own_workspace(
    two_workspaces: TwoWorkspaces, services: Services
) -> None:
    for workspace_id in BOTH:
        await two_workspaces.fill(workspace_id)
    for workspace_id in BOTH:
        request = Request(workspace_id=workspace_id, user_id=BEN, channel_id=LAUNCH)
        seen = await status_store.channel_status(services, request)
        spent, sprints, _, _ = await status_store.budget_status(services, request)

        assert seen.phase is not None
        assert workspace_id in seen.phase.milestone
        assert seen.budget == spent
        assert len(sprints) == 2
