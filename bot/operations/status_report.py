"""The current state in sentences, for `doctor`, with advice."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db.engine import Database
from bot.operations import system_state
from bot.operations.durations import humanize_duration
from bot.operations.findings import Finding, attention, ok, problem
from bot.operations.readiness import MAX_AGENDA_LAG, MAX_OUTBOX_LAG
from bot.operations.system_state import SenderState, WaitingMessages
from bot.operations.workspace_states import REMOVAL_REASONS, StuckMessages, stuck_messages
from bot.outbox.bulk_send_progress import BulkSend, bulk_sends
from bot.outbox.enqueue import State
from bot.outbox.rate_limits import RateLimits
from bot.workspaces.store import installed_workspaces, known_workspaces

#: Longer lists are cut; larger installations use the metrics.
MAX_LINES = 5
NO_REASON = "no reason noted"
OUTBOX_LIST = "`python -m bot outbox list` shows them"

AGENDA_OK = "agenda: nothing is late"
AGENDA_BEHIND = "agenda: the oldest due thing is {lag} late, and is about to be done"
AGENDA_LATE = (
    "agenda: what is due is {lag} late. No running bot works it off: start one, or look in its log "
    "for tick_failed."
)
AGENDA_FAILING = (
    "agenda: {what} failed and is tried again by itself. The log says why: agenda_action_failed."
)
OUTBOX_OK = "outbox: nothing waits for a sender"
OUTBOX_BEHIND = "outbox: a workspace has waited {lag} for a sender"
OUTBOX_LATE = (
    "outbox: for {lag} a workspace has had something to send, and nobody sends it. Start a bot, or "
    "look in its log for delivery_failed."
)
WAITING = {
    State.PENDING: "messages to send: {count}, the oldest due {age} ago",
    State.SENDING: "messages being sent: {count}",
    State.UNKNOWN: (
        "messages of unknown outcome: {count}, the oldest due {age} ago ({why}). They are looked "
        "for in Slack, and sent again if they are not there."
    ),
    State.HELD: (
        "messages held: {count}, the oldest due {age} ago ({why}). Nobody can tell whether they "
        "arrived: an admin decides in App Home, or you here; " + OUTBOX_LIST + "."
    ),
    State.FAILED: (
        "messages failed: {count}, the oldest due {age} ago ({why}). Slack will not take them: "
        "mend the cause, then retry or drop them; " + OUTBOX_LIST + "."
    ),
}
NOTHING_WAITS = "messages: none waits"
STUCK_IN = (
    "stuck in {name} ({workspace}): {what}; `python -m bot outbox list --workspace {workspace}` "
    "shows them"
)
WORKSPACE_COUNT = (
    "workspaces: {count}, of which {installed} have the app; `python -m bot workspaces` lists them"
)
RECENT = timedelta(days=30)
GIVEN_UP = (
    "messages not sent any more: {count} of those decided in the last 30 days ({why}). `python -m "
    "bot outbox list --state expired` shows them."
)
SENDER_COUNT = "senders: {count}"
ACTIVE_SENDER = "{workspace} by {owner}, its lease runs {left} more"
SILENT_SENDER = (
    "senders: {owner} of {workspace} has been silent for {left}. Another bot takes over by itself; "
    "start one if none runs."
)
NO_SENDER = "senders: none at work"
HALTED = "halted: nothing is sent in {workspace}, because Slack said {reason}. {do}"
REMOVED = "The app was removed there; it goes on when it is installed or added again."
TOKEN = "Install the app there again; a new SLACK_BOT_TOKEN, if one is set, needs a restart."
FAN_OUT = "sending to many in {workspace}: {sent} sent, {left} left, done at about {end} UTC"
AND_MORE = "and {count} more"


async def report_findings(db: Database, now: datetime, real: datetime) -> AsyncIterator[Finding]:
    """Yield the findings about the agenda and the outbox."""
    async with db.reading() as reader:
        yield agenda_finding(await system_state.agenda_lag(reader, now, real))
        failing = await system_state.agenda_failing(reader)
        if failing:
            yield attention(AGENDA_FAILING.format(what=_with_counts(failing)))
        yield outbox_finding(await system_state.outbox_lag(reader, now, real))
        for finding in await _messages(reader, now):
            yield finding
        for finding in await _by_workspace(reader):
            yield finding
        all_senders = await system_state.senders(reader, real)
        yield senders_finding(
            [sender for sender in all_senders if sender.owner and not sender.halted_reason]
        )
        for finding in halted_findings([sender for sender in all_senders if sender.halted_reason]):
            yield finding
        for fan_out in await bulk_sends(reader, RateLimits(), now):
            yield bulk_send_finding(fan_out, real)


def agenda_finding(lag: timedelta) -> Finding:
    if lag > MAX_AGENDA_LAG:
        return problem(AGENDA_LATE.format(lag=humanize_duration(lag)))
    return ok(AGENDA_BEHIND.format(lag=humanize_duration(lag)) if lag else AGENDA_OK)


def outbox_finding(lag: timedelta) -> Finding:
    if lag > MAX_OUTBOX_LAG:
        return problem(OUTBOX_LATE.format(lag=humanize_duration(lag)))
    return ok(OUTBOX_BEHIND.format(lag=humanize_duration(lag)) if lag else OUTBOX_OK)


async def _messages(reader: AsyncConnection, now: datetime) -> Sequence[Finding]:
    waiting = await system_state.waiting_messages(reader, now)
    findings = []
    for state in WAITING:
        if state in waiting:
            findings.append(
                messages_finding(
                    state, waiting[state], await system_state.failure_reasons(reader, state)
                )
            )
    given_up = await system_state.expired_reasons(reader, now - RECENT)
    if given_up:
        findings.append(
            ok(
                GIVEN_UP.format(
                    count=sum(given_up.values()), why=_with_counts(given_up) or NO_REASON
                )
            )
        )
    return findings if waiting else [ok(NOTHING_WAITS), *findings]


async def _by_workspace(reader: AsyncConnection) -> Sequence[Finding]:
    """Say where messages wait for a decision; of a single workspace, all other lines speak."""
    names = await known_workspaces(reader)
    if len(names) <= 1:
        return ()
    installed = await installed_workspaces(reader)
    count = WORKSPACE_COUNT.format(count=len(names), installed=len(installed))
    return [ok(count), *stuck_findings(await stuck_messages(reader), names)]


def stuck_findings(
    stuck: Mapping[str, StuckMessages], names: Mapping[str, str]
) -> Sequence[Finding]:
    """Describe the workspaces with held or failed messages, those with most of them first."""
    order = sorted(stuck, key=lambda one: (-stuck[one].count, one))
    findings = [
        attention(
            STUCK_IN.format(
                name=names[workspace_id],
                workspace=workspace_id,
                what=_with_counts(
                    {"held": stuck[workspace_id].held, "failed": stuck[workspace_id].failed}
                ),
            )
        )
        for workspace_id in order[:MAX_LINES]
    ]
    more = len(stuck) - MAX_LINES
    return [*findings, attention(f"stuck: {AND_MORE.format(count=more)}")] if more > 0 else findings


def messages_finding(state: State, waiting: WaitingMessages, reasons: Mapping[str, int]) -> Finding:
    """Describe the messages of one state, with the reasons for it."""
    text = WAITING[state].format(
        count=waiting.count,
        age=humanize_duration(waiting.oldest),
        why=_with_counts(reasons) or NO_REASON,
    )
    return ok(text) if state in (State.PENDING, State.SENDING) else attention(text)


def senders_finding(all_senders: Sequence[SenderState]) -> Finding:
    """Describe the senders, with the remaining time of their leases."""
    silent = [sender for sender in all_senders if sender.lease_left < system_state.ZERO]
    if silent:
        first = silent[0]
        return attention(
            SILENT_SENDER.format(
                owner=_short(first.owner),
                workspace=first.workspace_id,
                left=humanize_duration(-first.lease_left),
            )
        )
    if not all_senders:
        return ok(NO_SENDER)
    at_work = [
        ACTIVE_SENDER.format(
            workspace=sender.workspace_id,
            owner=_short(sender.owner),
            left=humanize_duration(sender.lease_left),
        )
        for sender in all_senders
    ]
    return ok(f"{SENDER_COUNT.format(count=len(all_senders))} ({_shortened(at_work)})")


def halted_findings(all_senders: Sequence[SenderState]) -> list[Finding]:
    """Describe halted workspaces. A bad token is a problem; a removed app is not."""
    findings = []
    for sender in all_senders[:MAX_LINES]:
        removed = sender.halted_reason in REMOVAL_REASONS
        text = HALTED.format(
            workspace=sender.workspace_id,
            reason=sender.halted_reason,
            do=REMOVED if removed else TOKEN,
        )
        findings.append(attention(text) if removed else problem(text))
    if len(all_senders) > MAX_LINES:
        findings.append(attention(f"halted: {AND_MORE.format(count=len(all_senders) - MAX_LINES)}"))
    return findings


def bulk_send_finding(fan_out: BulkSend, real: datetime) -> Finding:
    end = real + timedelta(seconds=fan_out.seconds)
    return ok(
        FAN_OUT.format(
            workspace=fan_out.workspace_id,
            sent=fan_out.sent,
            left=fan_out.left,
            end=f"{end:%H:%M}",
        )
    )


def _with_counts(counts: Mapping[str, int]) -> str:
    named = [f"{count} {name}".strip() for name, count in counts.items() if name and count]
    return _shortened(named)


def _shortened(words: Iterable[str]) -> str:
    words = list(words)
    more = len(words) - MAX_LINES
    shown = words[:MAX_LINES]
    return ", ".join([*shown, AND_MORE.format(count=more)] if more > 0 else shown)


def _short(owner: str | None) -> str:
    return (owner or "")[:8]
