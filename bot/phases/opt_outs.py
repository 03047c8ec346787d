"""Opting out of a channel's questions, and in again, each for one person."""

from sqlalchemy import delete

from bot.db import schema
from bot.db.upserts import insert_if_new
from bot.services import Services

_optouts = schema.channel_optouts


async def opt_out(services: Services, workspace_id: str, channel_id: str, user_id: str) -> None:
    """Stop asking this person in a channel. Open questions can still be answered."""
    async with services.db.transaction() as tx:
        await insert_if_new(
            tx, _optouts, workspace_id=workspace_id, channel_id=channel_id, user_id=user_id
        )


async def opt_in(services: Services, workspace_id: str, channel_id: str, user_id: str) -> None:
    """Ask this person in a channel again, from the next questions on."""
    async with services.db.transaction() as tx:
        await tx.execute(
            delete(_optouts).where(
                _optouts.c.workspace_id == workspace_id,
                _optouts.c.channel_id == channel_id,
                _optouts.c.user_id == user_id,
            )
        )
