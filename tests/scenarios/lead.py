"""A lead filling in the start form, page by page."""

from typing import Any

from sqlalchemy import func, select

from tests.harness import ANA, BEN, LAUNCH, BotHarness

CLEAR = {"start.level.clarity": "4", "start.level.trust": "3"}
SPRINT = {
    "start.text.milestone": "ship the beta",
    "start.text.stakes": "Two customers decide on 21 Dec.",
    "start.row.0": "Dark mode",
    "start.owner.0": BEN,
    "start.text.ask": "Fast reviews, one late test night.",
}
#: Under *Make It Richer*.
RICHER = {
    "start.text.protected": "Weekends, 1:1s, booked leave.",
    "start.text.why_you": "Each of you owns a piece nobody else can.",
    "start.text.give_up": "My roadmap review, polish.",
}
TRUST = {
    "start.text.milestone": "new platform team",
    "start.text.purpose": "Decide together without waiting for me.",
    "start.text.mistakes_fine": "Internal tools, first drafts.",
    "start.text.mistakes_not": "Customer data.",
    "start.text.listening": "Open hour Thursdays; you speak first.",
}


class Lead:
    """A person, Ana by default, filling in forms."""

    def __init__(self, harness: BotHarness, user_id: str = ANA) -> None:
        self.harness = harness
        self.me = harness.slack.as_user(user_id)

    @property
    def page(self) -> str:
        view = self.me.top_view
        return view["title"]["text"] if view else ""

    @property
    def view(self) -> dict[str, Any]:
        """The topmost open form."""
        assert self.me.top_view is not None
        return self.me.top_view

    @property
    def blocks(self) -> list[dict[str, Any]]:
        return list(self.view["blocks"])

    @property
    def inputs(self) -> list[str]:
        return [block["block_id"] for block in self.blocks if block["type"] == "input"]

    def typed(self, block_id: str) -> Any:
        (state,) = self.view["state"]["values"][block_id].values()
        return next(value for key, value in state.items() if key != "type")

    async def types(self, text: str, channel_id: str = LAUNCH) -> str:
        """Type the command; return the text of its ephemeral response."""
        answer = await self.me.command(f"/imbalance start {text}".strip(), channel_id)
        return answer.text

    async def sends(self, **values: Any) -> dict[str, str]:
        """Fill in and submit the page; return the errors by field."""
        named = {name.replace("__", "."): value for name, value in values.items()}
        await self.me.fill(self.view["id"], named)
        answer = await self.me.submit()
        await self.harness.settle()
        return answer.errors

    async def starts(self, kind: str = "results 2w", channel_id: str = LAUNCH) -> None:
        """Start a phase: from the command to *Announce*."""
        await self.harness.settle()  # lets the bot finish its startup first
        assert await self.types(kind, channel_id) == ""
        assert await self.sends(**CLEAR) == {}
        promise = TRUST if kind.startswith("trust") else SPRINT
        assert await self.sends(**promise) == {}
        assert await self.sends() == {}


def shown(blocks: list[dict[str, Any]]) -> str:
    """Every text in the blocks, in reading order."""
    found = []
    for block in blocks:
        parts = [block, *block.get("elements", [])]
        found += [part["text"] for part in parts if isinstance(part.get("text"), str)]
        found += [part["text"]["text"] for part in parts if isinstance(part.get("text"), dict)]
    return "\n".join(found)


async def count(harness: BotHarness, table: Any) -> int:
    async with harness.bot.db.reading() as reader:
        return await reader.scalar(select(func.count()).select_from(table)) or 0
