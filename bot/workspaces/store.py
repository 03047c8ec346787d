"""Storage of installations and their settings; every change leaves an audit row."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, insert, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import new_id
from bot.db import schema
from bot.db.tenancy import across_workspaces
from bot.db.upserts import upsert
from bot.slack.mrkdwn import clean, truncated, unescape
from bot.slack.people import MAX_NAME_LENGTH, Person, person_of_row
from bot.workspaces.rules import WorkspaceSettings, from_json, overrides

#: The actor in the audit log for operators; other people appear by their ids.
OPERATOR = "operator"

LIST_OF_WORKSPACES = "the list of workspaces itself"
OF_THE_APP = "the name of the app's command is the same in every workspace"
OF_AN_ORGANISATION = "the workspaces that one installation covers"

_workspaces = schema.workspaces
_audit = schema.audit
_people = schema.people


@dataclass(frozen=True, kw_only=True)
class AuditEntry:
    """An audit entry. `before` or `after` is None if the subject did not exist at that time."""

    workspace_id: str
    at: datetime
    actor_id: str
    action: str
    subject: str
    before: Any
    after: Any


async def remember_workspace(
    tx: AsyncConnection, identity: Mapping[str, Any], now: datetime
) -> None:
    """Store a working installation as auth.test reports it; without a name it keeps its own."""
    key = {"workspace_id": identity["team_id"]}
    is_it = _workspaces.c.workspace_id == identity["team_id"]
    known = None
    if identity.get("team") is None:
        known = await tx.scalar(select(_workspaces.c.name).where(is_it))
    await upsert(
        tx,
        _workspaces,
        key,
        name=known or workspace_name(identity),
        app_id=identity.get("app_id") or "",
        bot_user_id=identity["user_id"],
        state="installed",
        installed_at=now,
    )


def workspace_name(identity: Mapping[str, Any]) -> str:
    """Return the workspace's name as plain text; Slack escapes it."""
    name = truncated(clean(unescape(identity.get("team") or "")), MAX_NAME_LENGTH)
    return name or str(identity["team_id"])


async def save_command_name(tx: AsyncConnection, name: str) -> None:
    """Store the name of the slash command. It belongs to the app: every workspace has the same."""
    await tx.execute(across_workspaces(update(_workspaces).values(command_name=name), OF_THE_APP))


async def command_name(tx: AsyncConnection) -> str | None:
    """Return the name under which the slash command was last used; None: it was not used."""
    used = select(_workspaces.c.command_name).where(_workspaces.c.command_name.is_not(None))
    return await tx.scalar(across_workspaces(used.limit(1), OF_THE_APP))


async def mark_uninstalled(tx: AsyncConnection, workspace_id: str, at: datetime) -> bool:
    """Mark a workspace as uninstalled at this time; return whether it was.

    A removal older than the installation changes nothing.
    """
    result = await tx.execute(
        update(_workspaces)
        .where(_workspaces.c.workspace_id == workspace_id, _workspaces.c.installed_at <= at)
        .values(state="uninstalled")
    )
    return bool(result.rowcount)


async def cover(tx: AsyncConnection, workspace_id: str, org_id: str) -> None:
    """Note that this organisation's installation covers a workspace."""
    is_it = _workspaces.c.workspace_id == workspace_id
    await tx.execute(update(_workspaces).where(is_it).values(org_id=org_id))


async def uncover(tx: AsyncConnection, workspace_id: str, at: datetime) -> bool:
    """Note that no organisation's installation covers a workspace since `at`.

    Return whether one did; an end older than the installation changes nothing.
    """
    result = await tx.execute(
        update(_workspaces)
        .where(_workspaces.c.workspace_id == workspace_id, _workspaces.c.installed_at <= at)
        .where(_workspaces.c.org_id.is_not(None))
        .values(org_id=None)
    )
    return bool(result.rowcount)


async def covered_by(tx: AsyncConnection, org_id: str) -> tuple[str, ...]:
    """Return the ids of the workspaces that this organisation's installation covers."""
    covered = select(_workspaces.c.workspace_id).where(_workspaces.c.org_id == org_id)
    query = across_workspaces(covered.order_by(_workspaces.c.workspace_id), OF_AN_ORGANISATION)
    return tuple(await tx.scalars(query))


async def org_of(tx: AsyncConnection, workspace_id: str) -> str | None:
    """Return the organisation whose installation covers this workspace; None: none does."""
    org_id = select(_workspaces.c.org_id).where(_workspaces.c.workspace_id == workspace_id)
    return await tx.scalar(org_id)


async def installed_workspaces(tx: AsyncConnection) -> tuple[str, ...]:
    """Return the ids of the workspaces with the app installed."""
    installed = select(_workspaces.c.workspace_id).where(_workspaces.c.state == "installed")
    query = across_workspaces(installed.order_by(_workspaces.c.workspace_id), LIST_OF_WORKSPACES)
    return tuple(await tx.scalars(query))


async def known_workspaces(tx: AsyncConnection) -> Mapping[str, str]:
    """Return the names of all workspaces in the database, by id, installed or not."""
    names = select(_workspaces.c.workspace_id, _workspaces.c.name)
    rows = await tx.execute(across_workspaces(names, LIST_OF_WORKSPACES))
    return {row.workspace_id: row.name for row in rows}


async def settings_of(tx: AsyncConnection, workspace_id: str) -> WorkspaceSettings:
    """Return the settings of this workspace, with defaults for those not set."""
    return from_json(await tx.scalar(_settings(workspace_id)) or {})


async def settings_and_person(
    tx: AsyncConnection, workspace_id: str, user_id: str
) -> tuple[WorkspaceSettings, Person | None]:
    """Return the settings, and the person as stored; None: they are not."""
    is_person = (_people.c.workspace_id == workspace_id) & (_people.c.user_id == user_id)
    query = (
        select(_workspaces.c.settings, *(one for one in _people.c if one.name != "workspace_id"))
        .outerjoin(_people, is_person)
        .where(_workspaces.c.workspace_id == workspace_id)
    )
    row = (await tx.execute(query)).mappings().first()
    if row is None:
        return WorkspaceSettings(), None
    person = person_of_row(row, workspace_id) if row["user_id"] is not None else None
    return from_json(row["settings"] or {}), person


async def settings_to_change(tx: AsyncConnection, workspace_id: str) -> WorkspaceSettings:
    """Return the settings, locked against other changes until the transaction ends."""
    return from_json(await tx.scalar(_settings(workspace_id).with_for_update()) or {})


async def save_settings(
    tx: AsyncConnection,
    workspace_id: str,
    settings: WorkspaceSettings,
    *,
    actor: str,
    now: datetime,
) -> tuple[str, ...]:
    """Store the settings, with an audit row for each changed one; return the names of those."""
    before, after = overrides(await settings_of(tx, workspace_id)), overrides(settings)
    await tx.execute(
        update(_workspaces).where(_workspaces.c.workspace_id == workspace_id).values(settings=after)
    )
    names = [
        name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)
    ]
    for name in names:
        await add_audit_entry(
            tx,
            workspace_id,
            actor=actor,
            action="settings",
            subject=name,
            before=before.get(name),
            after=after.get(name),
            now=now,
        )
    return tuple(names)


async def add_audit_entry(
    tx: AsyncConnection,
    workspace_id: str,
    *,
    actor: str,
    action: str,
    subject: str,
    before: Any,
    after: Any,
    now: datetime,
) -> None:
    """Add an audit row. It must never contain an answer."""
    await tx.execute(
        insert(_audit).values(
            workspace_id=workspace_id,
            audit_id=new_id(),
            at=now,
            actor_id=actor,
            action=action,
            subject=subject,
            before=before,
            after=after,
        )
    )


async def audit_of(
    tx: AsyncConnection, workspace_id: str | None, limit: int = 100
) -> list[AuditEntry]:
    """Return the most recent changes, newest first; of all workspaces if none is given."""
    chosen = true() if workspace_id is None else _audit.c.workspace_id == workspace_id
    rows = await tx.execute(
        select(_audit).where(chosen).order_by(_audit.c.at.desc(), _audit.c.audit_id).limit(limit)
    )
    return [
        AuditEntry(
            workspace_id=row.workspace_id,
            at=row.at,
            actor_id=row.actor_id,
            action=row.action,
            subject=row.subject,
            before=row.before,
            after=row.after,
        )
        for row in rows
    ]


def _settings(workspace_id: str) -> Select[Any]:
    return select(_workspaces.c.settings).where(_workspaces.c.workspace_id == workspace_id)
