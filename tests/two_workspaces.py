"""Two workspaces in one database that share every id: channels, people, phases, rounds, drafts.

Slack's ids are unique per workspace only, and every primary key here begins with the workspace. The
rows have the same ids in both and different contents; some exist in one only. A query without its
workspace filter then reads or changes something of the other workspace.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.db import schema
from bot.db.engine import Database
from bot.keys import Wrapped
from bot.outbox.sealed_content import unseal_payload
from bot.round_keys import seal_text
from bot.rounds import store as rounds_store
from bot.rounds.questions import about_leads
from bot.start.draft import Draft, as_json
from bot.workspaces.rules import WorkspaceSettings, overrides
from tests.harness import (
    ANA,
    BEN,
    CHIARA,
    DEV,
    EMI,
    FINN,
    GENERAL,
    GUSTAVO,
    HANA,
    KEYS,
    LAUNCH,
    OWNER,
    PLATFORM,
    WORKSPACE,
)
from tests.rounds.round_rows import NOW

OTHER_WORKSPACE = "T0OTHER"
BOTH = (WORKSPACE, OTHER_WORKSPACE)
RUNS, OVER, ELSEWHERE, ONE_SIDED = "runs", "over", "elsewhere", "onesided"
OPEN_ROUND, CLOSED_ROUND = "openround", "closedround"
OLD_ROUND, DROPPED_ROUND = "oldround", "droppedround"
DRAFT, NEWER_DRAFT = "draft", "newerdraft"
HELD = "heldmessage"
PEOPLE = (ANA, BEN, CHIARA, DEV, EMI, FINN, GUSTAVO, HANA, OWNER)
_RANDOM_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class TwoWorkspaces:
    """A database to fill with one workspace or with both."""

    db: Database

    async def fill(self, workspace_id: str) -> None:
        async with self.db.transaction() as tx:
            await _Filling(tx=tx, workspace_id=workspace_id).everything()

    async def clear(self) -> None:
        async with self.db.transaction() as tx:
            for table in reversed(schema.metadata.sorted_tables):
                await tx.execute(delete(table))

    async def rows(self, workspace_id: str) -> dict[str, list[str]]:
        """All rows of a workspace by table, with random ids masked."""
        async with self.db.reading() as reader:
            return {
                table.name: await _rows(reader, table, workspace_id)
                for table in schema.metadata.sorted_tables
                if "workspace_id" in table.c
            }


async def _rows(reader: AsyncConnection, table: Any, workspace_id: str) -> list[str]:
    rows = await reader.execute(select(table).where(table.c.workspace_id == workspace_id))
    return sorted(_RANDOM_ID.sub("*", str(_unsealed(table.name, row))) for row in rows.mappings())


def _unsealed(table: str, row: RowMapping) -> dict[str, Any]:
    """Return the row with the text that its sealed columns or payload hold."""
    values = dict(row)
    if values.get("payload"):
        values["payload"] = unseal_payload(KEYS, values["workspace_id"], values["payload"])
    if table in SEALED_FOR:
        about, what = SEALED_FOR[table]
        wrapped = Wrapped(key_id=values["key_id"], sealed=values["sealed"])
        context = f"{values['workspace_id']}:{values[about]}:{what}"
        values["sealed"] = KEYS.unwrap(wrapped, context)
    return values


#: The id and the word that the texts of a table are sealed for.
SEALED_FOR = {"concerns": ("phase_id", "concern"), "round_comments": ("round_id", "comment")}


@dataclass(frozen=True, kw_only=True)
class _Filling:
    """Fills one workspace. Each of the two has rows that the other lacks."""

    tx: AsyncConnection
    workspace_id: str
    added: list[tuple[Any, dict[str, Any]]] = field(default_factory=list)

    @property
    def is_second(self) -> bool:
        return self.workspace_id == OTHER_WORKSPACE

    def pick(self, first: Any, second: Any) -> Any:
        return second if self.is_second else first

    async def everything(self) -> None:
        await self.installation()
        await self.phases()
        await self.rounds()
        await self.decisions()
        await self.agenda_and_messages()
        await self.insert_all()

    async def add(self, table: Any, **values: Any) -> None:
        self.added.append((table, {"workspace_id": self.workspace_id, **values}))

    async def insert_all(self) -> None:
        """Insert what was added, with one statement for all rows of a table and a shape."""
        shapes: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for table, values in self.added:
            shapes.setdefault((table, *values), []).append(values)
        for (table, *_), rows in shapes.items():
            await self.tx.execute(insert(table), rows)

    async def installation(self) -> None:
        settings = self.pick(
            WorkspaceSettings(minimum_small=5, default_zone="Asia/Tokyo", starters=(BEN,)),
            WorkspaceSettings(minimum_small=6, sprint_max_weeks=5, sprint_warn_weeks=3),
        )
        await self.add(
            schema.workspaces,
            name=self.workspace_id,
            bot_user_id="U0IMBAL",
            settings=overrides(settings),
            installed_at=NOW,
        )
        await self.add(schema.sender_leases)
        for user_id in sorted({*PEOPLE} - {self.pick(GUSTAVO, HANA)}):
            await self.add(
                schema.people,
                user_id=user_id,
                name=f"{user_id} of {self.workspace_id}",
                zone=self.pick("Europe/Lisbon", "America/New_York"),
                team_id=self.workspace_id,
                is_bot=False,
                is_guest=False,
                is_deleted=user_id == self.pick(DEV, EMI),
                is_admin=user_id in (OWNER, self.pick(ANA, BEN)),
                refreshed_at=NOW + timedelta(days=self.pick(-40, 365)),
            )
        for channel_id, user_id in ((LAUNCH, BEN), (PLATFORM, CHIARA)):
            opted_out = self.pick(user_id, {BEN: CHIARA, CHIARA: BEN}[user_id])
            await self.add(schema.channel_optouts, channel_id=channel_id, user_id=opted_out)
        await self.add(
            schema.audit,
            audit_id="audit",
            at=NOW,
            actor_id=OWNER,
            action="settings",
            subject=self.workspace_id,
        )

    async def phases(self) -> None:
        day, later = date(2026, 11, 2), self.pick(0, 3)
        await self.phase(OVER, LAUNCH, state="ended", starts_on=day - timedelta(days=30 + later))
        await self.phase(RUNS, LAUNCH, starts_on=day + timedelta(days=later))
        state = self.pick("active", "ended")
        await self.phase(ELSEWHERE, PLATFORM, state=state, starts_on=day + timedelta(days=1))
        channel_id = self.pick(GENERAL, "C0SECOND")
        await self.phase(ONE_SIDED, channel_id, starts_on=day + timedelta(days=2))
        second = {"saved_at": NOW + timedelta(hours=1)}
        drafts = [(DRAFT, {"saved_at": NOW - timedelta(days=self.pick(8, 9))})]
        for draft_id, more in [*drafts, (NEWER_DRAFT, second)] if self.is_second else drafts:
            draft = Draft(
                ends_on=date(2026, 12, self.pick(7, 9)), texts={"milestone": self.workspace_id}
            )
            await self.add(
                schema.phase_drafts,
                draft_id=draft_id,
                channel_id=LAUNCH,
                user_id=ANA,
                content=as_json(draft),
                **more,
            )

    async def phase(
        self, phase_id: str, channel_id: str, *, starts_on: date, state: str = "active"
    ) -> None:
        ends_on = starts_on + timedelta(days=self.pick(27, 26) if state == "active" else 10)
        ended = state == "ended"
        ended_at = datetime.combine(ends_on, time(self.pick(15, 16)), NOW.tzinfo)
        is_paused = phase_id == ELSEWHERE and self.is_second
        await self.add(
            schema.phases,
            phase_id=phase_id,
            channel_id=channel_id,
            kind="results_sprint",
            state=state,
            lead_id=ANA,
            zone=self.pick("Europe/Lisbon", "Asia/Tokyo"),
            milestone=f"{phase_id} of {self.workspace_id}",
            promise={"stakes": f"Stakes of {self.workspace_id}."},
            started_at=datetime.combine(starts_on, time(9), NOW.tzinfo),
            starts_on=starts_on,
            ends_on=ends_on,
            original_ends_on=ends_on,
            recovery_until=ends_on + timedelta(days=28),
            weekday=self.pick(1, 2),
            time_of_day=time(10),
            remind=True,
            comments_to="team",
            ended_at=ended_at if ended else None,
            wrapped_up_by=BEN if ended else None,
            paused_at=NOW if is_paused else None,
            pause_reason="archived" if is_paused else None,
            membership_synced_at=self.pick(NOW, None),
        )
        await self.people_of(phase_id)
        await self.work_on_hold(phase_id, is_parked=ended)
        concern = f"A concern of {phase_id} in {self.workspace_id}"
        sealed = seal_text(KEYS, concern, f"{self.workspace_id}:{phase_id}:concern", NOW.date())
        await self.add(schema.concerns, phase_id=phase_id, concern_id="concern", **sealed)

    async def work_on_hold(self, phase_id: str, *, is_parked: bool) -> None:
        parked = {"outcome": "parked", "parked_until": NOW.date()} if is_parked else {}
        for position in range(self.pick(1, 2)):
            await self.add(
                schema.set_aside_items,
                phase_id=phase_id,
                position=position,
                text=f"Work {position} of {phase_id} in {self.workspace_id}",
                owner_id=BEN,
                **parked,
            )
        await self.add(
            schema.hold_proposals,
            phase_id=phase_id,
            proposal_id="proposal",
            text=f"A proposal of {phase_id} in {self.workspace_id}",
            proposed_by=self.pick(CHIARA, EMI),
            proposed_at=NOW,
        )

    async def people_of(self, phase_id: str) -> None:
        leads = (ANA, self.pick(HANA, DEV))
        members = self.pick((BEN, CHIARA, DEV, EMI, FINN), (BEN, CHIARA, EMI, FINN, GUSTAVO))
        left = self.pick((BEN, HANA), (CHIARA, FINN))
        for user_id in (*leads, *members):
            await self.add(
                schema.phase_people,
                phase_id=phase_id,
                user_id=user_id,
                role="lead" if user_id in leads else "member",
                joined_at=NOW,
                left_at=NOW if user_id in left else None,
                contribution=f"Part of {user_id} of {phase_id} in {self.workspace_id}",
                thanks_line=f"Thanks of {self.workspace_id}",
            )
        onlooker = self.pick(GUSTAVO, HANA)
        await self.add(schema.non_participants, phase_id=phase_id, user_id=onlooker)

    async def rounds(self) -> None:
        shift = timedelta(hours=self.pick(0, 2))
        await self.round(OLD_ROUND, OVER, 1, "closed", NOW - timedelta(days=40) + shift)
        await self.round(CLOSED_ROUND, RUNS, 1, "closed", NOW - timedelta(days=7) + shift)
        await self.round(OPEN_ROUND, RUNS, self.pick(2, 5), "open", NOW - shift)
        phase_id = self.pick(OVER, ELSEWHERE)
        await self.round(DROPPED_ROUND, phase_id, 9, "cancelled", NOW - timedelta(days=30))

    async def _promise(self, round_id: str, phase_id: str, opened_at: datetime) -> None:
        await self.add(
            schema.promises,
            promise_id=f"{round_id}promise",
            phase_id=phase_id,
            round_id=round_id,
            made_by=self.pick(ANA, BEN),
            made_at=opened_at + timedelta(days=2, hours=1),
            heard=f"Heard in {self.workspace_id}",
            text=f"Promise of {round_id} in {self.workspace_id}",
            is_change=True,
            outcome=self.pick("kept", "partly"),
        )

    def _check(self, phase_id: str, closed: bool) -> dict[str, str | None]:
        return {
            "check_kind": self.pick("promise", "protected"),
            "check_subject": self.pick(f"{OLD_ROUND}promise", None),
            "check_text": f"Asked about {phase_id} in {self.workspace_id}",
            "check_outcome": self.pick("yes", "no") if closed else None,
        }

    async def decisions(self) -> None:
        """Add one decision that was made, and one that is open with the round that is."""
        about = {"cause": "date", "asked_at": NOW}
        await self.add(
            schema.decisions,
            **about,
            phase_id=OVER,
            decision_id="decided",
            choice="continue",
            decided_at=NOW,
            decided_by=ANA,
            text=f"Reason in {self.workspace_id}",
        )
        await self.add(
            schema.decisions,
            **about,
            phase_id=RUNS,
            decision_id="open",
            round_id=self.pick(OPEN_ROUND, CLOSED_ROUND),
        )

    async def round(
        self, round_id: str, phase_id: str, number: int, state: str, opened_at: datetime
    ) -> None:
        members = self.pick((BEN, CHIARA, DEV, EMI), (CHIARA, EMI, FINN, GUSTAVO, BEN))
        closed = state == "closed"
        await self.add(
            schema.rounds,
            round_id=round_id,
            phase_id=phase_id,
            number=number,
            kind="weekly",
            state=state,
            opened_at=opened_at,
            closes_at=opened_at + timedelta(days=2),
            minimum=self.pick(4, 5),
            asked=len(members),
            questions=rounds_store.as_json(about_leads(["Ana"])),
            reached_minimum=True if closed else None,
            **self._check(phase_id, closed),
            shown_at=opened_at + timedelta(days=3) if closed else None,
        )
        if closed:
            await self._promise(round_id, phase_id, opened_at)
        for user_id in (ANA, *members):
            await self.add(
                schema.round_people,
                round_id=round_id,
                user_id=user_id,
                role="lead" if user_id == ANA else "member",
                slot_at=opened_at + timedelta(hours=self.pick(1, 3)),
            )
        reflecting = (ANA, *self.pick((), (DEV,)))
        for user_id in reflecting if closed or self.is_second else ():
            await self.add(
                schema.reflections,
                phase_id=phase_id,
                moment=round_id,
                user_id=user_id,
                answers={"clarity": self.pick(2, 4) + (phase_id == RUNS)},
                shared=self.is_second,
            )
        if closed:
            await self.results(round_id)

    async def results(self, round_id: str) -> None:
        for key in self.pick(("clarity", "trust"), ("clarity", "ego")):
            await self.add(
                schema.question_levels,
                round_id=round_id,
                key=key,
                level=self.pick(3.5, 4.5),
            )
        text = f"Comment of {round_id} in {self.workspace_id}"
        sealed = seal_text(KEYS, text, f"{self.workspace_id}:{round_id}:comment", NOW.date())
        await self.add(schema.round_comments, round_id=round_id, position=0, **sealed)

    async def agenda_and_messages(self) -> None:
        due = {
            "deliver_concerns": RUNS,
            "end_phase": RUNS,
            "follow_up_parked": f"{OVER}:0",
            "refresh_announcement": RUNS,
            "warn_end": RUNS,
            "sync_members": RUNS,
            "check_channel": RUNS,
            "open_round": f"{OVER}:after:2026-12-{self.pick(14, 15)}",
            "send_goodbye": f"{OVER}:{self.pick(CHIARA, BEN)}",
            "report_missing_announcement": RUNS,
            "drop_person": ANA,
            "delete_old_drafts": self.workspace_id,
            "tidy": self.workspace_id,
            "read_person": self.pick(BEN, CHIARA),
        }
        for action, subject in due.items():
            await self.add(schema.agenda, action=action, subject=subject, due_at=NOW)
        for key, to, state in (
            (f"announcement:{RUNS}", LAUNCH, "sent"),
            (f"bookmark:announcement:{RUNS}", LAUNCH, "sent"),
            (f"warn:{RUNS}:2026-11-29:{ANA}", ANA, "pending"),
            (f"closing:{OVER}", LAUNCH, self.pick("sent", "pending")),
            (f"not_said:{self.workspace_id}", self.pick(LAUNCH, PLATFORM), "held"),
        ):
            await self.add(
                schema.messages,
                message_id=HELD if state == "held" else key.replace(":", ""),
                key=key,
                operation="bookmark" if key.startswith("bookmark") else "post",
                conversation=to,
                payload=None if state == "sent" else {"text": self.workspace_id, "blocks": []},
                state=state,
                not_before=NOW,
                channel=to if state == "sent" else None,
                ts=self.pick("1.1", "2.2") if state == "sent" else None,
                created_at=NOW,
            )
