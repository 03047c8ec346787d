"""Web API clients of the workspaces: each calls with the token of its own workspace.

A token is read from the installation store when it is first needed, and again when Slack refuses
it: another process may have stored a newer one since. Slack is not asked whether it is valid.
"""

import asyncio
from collections import defaultdict
from typing import Any

from slack_bolt.async_app import AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.log import log
from bot.slack.errors import NOT_INSTALLED, CallNotMade, ErrorKind, RefusedForNow, classify
from bot.workspaces.installation_store import InstallationStore, TokenUnreadable

TOKEN_UNREADABLE_TEXT = (
    "I can't use my access to this workspace, so nothing was changed. Tell whoever runs this bot; "
    "`imbalance doctor` says what to do."
)


class Clients:
    """The clients of the workspaces that installed the bot through OAuth."""

    def __init__(self, template: AsyncWebClient, installations: InstallationStore) -> None:
        """`template` has no token; the clients have its address, timeout and session."""
        self._template = template
        self._installations = installations
        self._clients: dict[str, _WorkspaceClient] = {}
        self._bots: dict[str, Bot] = {}
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, workspace_id: str) -> AsyncWebClient:
        """Return the client of a workspace.

        Its calls raise SlackApiError with `not_installed` if the workspace has no token, and
        CallNotMade if the token cannot be read for now.
        """
        client = self._clients.get(workspace_id)
        if client is None:
            client = _WorkspaceClient(self, workspace_id, self._template)
            self._clients[workspace_id] = client
        return client

    async def authorize(
        self, team_id: str | None, context: AsyncBoltContext
    ) -> AuthorizeResult | None:
        """Return Bolt's authorization for a request from this workspace; None: not installed.

        The request gets the workspace's client, in place of Bolt's own. A command from a workspace
        of an organisation in which the bot is installed shows that this installation covers it,
        even if the event that said so was lost.
        """
        owner_id, org_id = team_id or context.enterprise_id, context.enterprise_id
        if owner_id is None:
            return None
        bot = await self._readable_bot_of(owner_id)
        is_covered = context.is_enterprise_install and context.get("is_where_installed")
        if bot is None and team_id and org_id and is_covered:
            await self._installations.cover(org_id, team_id)
            bot = await self._readable_bot_of(team_id)
        if bot is None:
            return None
        context["client"] = self.of(owner_id)
        return AuthorizeResult(
            enterprise_id=bot.enterprise_id,
            team_id=team_id,
            bot_user_id=bot.bot_user_id,
            bot_id=bot.bot_id,
            bot_token=bot.bot_token,
        )

    async def _readable_bot_of(self, workspace_id: str) -> Bot | None:
        try:
            return await self.bot_of(workspace_id)
        except TokenUnreadable as error:
            log.error("token_unreadable", workspace=workspace_id, why=str(error))
            raise RefusedForNow(TOKEN_UNREADABLE_TEXT) from None

    async def bot_of(self, workspace_id: str, *, refused: str | None = None) -> Bot | None:
        """Return the bot of a workspace, but not with the token that Slack has just refused.

        None: it is not installed there, or the refused token is still the stored one.

        Raises:
            TokenUnreadable: its token cannot be decrypted.
        """
        bot = self._bots.get(workspace_id)
        if bot is None or bot.bot_token == refused:
            async with self._reading[workspace_id]:  # many calls at once read it once
                bot = await self._read(workspace_id, refused)
        return bot

    async def _read(self, workspace_id: str, refused: str | None) -> Bot | None:
        bot = self._bots.pop(workspace_id, None)  # another call may have read it meanwhile
        if bot is None or bot.bot_token == refused:
            bot = await self._installations.bot_of(workspace_id)
        if bot is not None and bot.bot_token == refused:
            bot = await self._installations.give_up_own(workspace_id, refused)
        if bot is None or bot.bot_token == refused:
            return None
        self._bots[workspace_id] = bot
        return bot


class _WorkspaceClient(AsyncWebClient):
    """A client that finds its workspace's token before each call."""

    def __init__(self, clients: Clients, workspace_id: str, template: AsyncWebClient) -> None:
        super().__init__(
            base_url=template.base_url,
            timeout=template.timeout,
            session=template.session,
            team_id=workspace_id,  # an organisation's token needs it to list; others ignore it
            retry_handlers=[],
        )
        self._clients = clients
        self._workspace_id = workspace_id

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        bot = await self._bot()
        if bot is None:
            raise SlackApiError("no token", {"ok": False, "error": NOT_INSTALLED})  # type: ignore[no-untyped-call]
        self.token = bot.bot_token
        try:
            return await super().api_call(api_method, **arguments)
        except SlackApiError as error:
            if classify(error).kind is not ErrorKind.WORKSPACE:
                raise
            newer = await self._bot(refused=bot.bot_token)
            if newer is None:
                raise
        self.token = newer.bot_token
        return await super().api_call(api_method, **arguments)

    async def _bot(self, refused: str | None = None) -> Bot | None:
        try:
            return await self._clients.bot_of(self._workspace_id, refused=refused)
        except CallNotMade as error:
            log.error("token_unreadable", workspace=self._workspace_id, why=str(error))
            raise
        except Exception as error:
            raise CallNotMade("the token could not be read") from error
