"""The example: a results sprint that is over and a trust-building phase under way, in #launch.

People type commands, fill in forms and press buttons, and the clock moves, as they do on the page:
the bot is not told that this is an example, and nothing is written past it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress

from bot.playground.fake_slack import example_workspace, forms, simulated_team
from bot.playground.fake_slack.core import Core
from bot.playground.fake_slack.model import Json
from bot.playground.fake_slack.people import Person

NOT_FRESH = (
    "The example needs a playground in which nothing has happened yet, because it moves the time "
    "on by about a month. Stop this one, and run: make playground RESET=1 EXAMPLE=1"
)
UNDER_WAY = "The example is being built already."
NO_CLOCK = "Time cannot be moved here, so there is no example."
BUILT = "The example is in #launch: a finished sprint, and a trust-building phase under way."
STUCK = "The example stopped half way: {why}"

LAUNCH = "C0LAUNCH"
BEN, CHIARA, DEV, EMI, FINN, GUSTAVO, HANA = example_workspace.MEMBERS
SPRINT_DAYS, BETWEEN_DAYS = 14, 5
#: Until everyone has been asked a second time, as a rule and at most (around holidays).
TRUST_DAYS, MOST_TRUST_DAYS = 9, 21
ALL_DAYS = SPRINT_DAYS + BETWEEN_DAYS + TRUST_DAYS
SETTLE_SECONDS = 10

GATE = {"start.level.clarity": "5", "start.level.trust": "4", "start.level.ego": "4"}
SPRINT = {
    "start.text.milestone": "Ship the beta to two customers",
    "start.text.stakes": "Both customers decide on the day it ends. Without it they leave.",
    "start.row.0": "Dark mode",
    "start.owner.0": BEN,
    "start.text.ask": "Reviews within two hours, and one late test night. Not more.",
    "start.text.protected": "Weekends, 1:1s, booked leave.",
    "start.text.why_you": "Each of you owns a piece nobody else can.",
    "start.text.give_up": "My roadmap review, and polish.",
}
TRUST = {
    "start.text.milestone": "The new platform team",
    "start.text.purpose": "Decide together, without waiting for me.",
    "start.text.mistakes_fine": "Internal tools, first drafts, the demo data.",
    "start.text.mistakes_not": "Customer data.",
    "start.text.listening": "An open hour every Thursday, and you speak first.",
}
COUNTED_ON = {
    BEN: "Getting the importer through review by Thursday.",
    CHIARA: "Saying no to one more screen, for all of us.",
    HANA: "Telling both customers what they get, and what not.",
}
PARTS = {
    BEN: "I carry the importer, and pair on reviews in the mornings.",
    EMI: "I test at night, your time: what you merge by six is tested when you wake up.",
}
HEARD = "When a review waits longer than two hours, I take it myself."
WRAP_UP = {
    "milestone_outcome": "hit",
    "outcome": "The beta is out. Both customers have it, and one has signed.",
    "reason": "Reviews were the bottleneck, not code.",
    "learning": "Review before noon, every day.",
    "thanks": "To all of you, for the late test night.",
    f"line:{CHIARA}": "Without your no in the first week we would have slipped.",
}
#: Positions on the scale of five, by question: clear, under pressure, and wary of mistakes.
SPRINT_LEVELS = ((3, 3, 4), (2, 3, 3), (0, 1, 2))
TRUST_LEVELS = ((2, 3, 3), (3, 4, 4), (1, 2, 3))
LEADS_LEVELS = ((4,), (3,), (3,))


#: Told the days done and in total.
Report = Callable[[int, int], None]


class ExampleRefused(Exception):
    """The example cannot be built here, with a sentence for the person who asked."""


def is_fresh(core: Core) -> bool:
    """Return whether the app has not written in any channel yet."""
    return not any(
        message.get("user") == example_workspace.BOT_USER_ID
        for conversation in core.workspace.conversations.values()
        if not conversation.is_im
        for message in conversation.messages.values()
    )


async def build(core: Core, report: Report | None = None) -> None:
    """Build the example, which takes some seconds; tell `report` and the pages after each day.

    Raises:
        ExampleRefused: something has happened here already, or the app did not play along.
    """
    if core.building is not None:
        raise ExampleRefused(UNDER_WAY)
    if not is_fresh(core):
        raise ExampleRefused(NOT_FRESH)
    if core.hooks.advance is None:
        raise ExampleRefused(NO_CLOCK)
    builder = _Builder(core, report)
    try:
        async with core.hooks.moving:
            await builder.build()
    except LookupError as error:
        raise ExampleRefused(STUCK.format(why=error)) from error
    finally:
        core.building = None
        core.stream.publish(lambda _: {"type": "example", "building": None})
    core.stream.publish(lambda _: {"type": "notice", "text": BUILT, "kind": "info"})


class _Builder:
    """The story, day by day."""

    def __init__(self, core: Core, report: Report | None) -> None:
        self._core = core
        self._report = report
        self._ana = Person(core, example_workspace.LEAD)
        self._days = 0
        self._answered: set[str] = set()  # ts of the results that Ana has replied to
        self._show()

    def _show(self) -> None:
        total = max(self._days, ALL_DAYS)
        building = {"done": self._days, "total": total}
        self._core.building = building
        self._core.stream.publish(lambda _: {"type": "example", "building": building})
        if self._report is not None:
            self._report(self._days, total)

    async def build(self) -> None:
        await self._start("results 2w", SPRINT)
        await self._count_on(COUNTED_ON)
        await self._day(SPRINT_LEVELS)
        await self._say_parts(PARTS)  # in the announcement, which was delivered meanwhile
        for _ in range(SPRINT_DAYS - 1):
            await self._day(SPRINT_LEVELS)
        await self._wrap_up()
        for _ in range(BETWEEN_DAYS):
            await self._day(SPRINT_LEVELS)
        await self._start("trust 4w", TRUST)
        await self._ana.close(everything=True)
        await self._until_asked_twice()

    # ------------------------------------------------------------ what Ana does

    async def _start(self, words: str, promise: Mapping[str, str]) -> None:
        await self._type(f"/imbalance start {words}")
        await self._send(GATE)
        if any(field not in self._inputs() for field in promise):
            await self._ana.click("phase.start.richer")
        await self._send(promise)
        await self._send({})

    async def _count_on(self, lines: Mapping[str, str]) -> None:
        """Say what each person is counted on for, on as many pages as it takes."""
        await self._ana.click("phase.expectations")
        named = {f"expectation.line.{user_id}": line for user_id, line in lines.items()}
        while any(name.startswith("expectation.line.") for name in self._inputs()):
            await self._send(named)
        await self._ana.close(everything=True)

    async def _wrap_up(self) -> None:
        await self._type("/imbalance end")
        await self._send(WRAP_UP)
        if self._ana.top_view:
            await self._ana.close(everything=True)

    async def _type(self, command: str) -> None:
        answer = await self._ana.command(command, LAUNCH)
        if self._ana.top_view is None:
            raise ExampleRefused(STUCK.format(why=answer.text or f"{command} opened nothing."))

    def _inputs(self) -> list[str]:
        """Return the block ids of the open form's inputs."""
        return list(_input_ids(self._ana.top_view))

    async def _send(self, texts: Mapping[str, str], person: Person | None = None) -> None:
        """Fill in those of the texts that the open form asks for, and submit it."""
        who = person or self._ana
        asked = set(_input_ids(who.top_view))
        await who.fill(
            who.top_view["id"] if who.top_view else None,
            {name: text for name, text in texts.items() if name in asked},
        )
        result = await who.submit()
        if result.errors or result.failure:
            why = result.failure or "; ".join(result.errors.values())
            raise ExampleRefused(STUCK.format(why=why))

    async def _answer_results(self) -> None:
        """Write what she heard to results that she has not answered yet."""
        for message in self._ana.dm_with_bot():
            ids = {element["action_id"] for _, element in forms.elements(message["blocks"])}
            if message["ts"] in self._answered or "results.reply" not in ids:
                continue
            self._answered.add(message["ts"])
            place = {"channel": self._direct(self._ana), "ts": message["ts"]}
            await self._ana.click("results.reply", **place)
            await self._send({"results.reply.change": HEARD})

    # ------------------------------------------------------------ what the team does

    async def _say_parts(self, parts: Mapping[str, str]) -> None:
        for user_id, part in parts.items():
            person = Person(self._core, user_id)
            await person.click("phase.my_part", channel=LAUNCH)
            await self._send({"phase.part.text": part}, person)

    # ------------------------------------------------------------ how time passes

    async def _day(self, levels: simulated_team.Levels) -> None:
        """Let a day pass, then everyone answers what they have been asked."""
        await self._advance()
        await self._evening(levels, example_workspace.MEMBERS)

    async def _until_asked_twice(self) -> None:
        """Let days pass until the team's second questions are open, and leave those so."""
        asked: dict[str, set[str]] = {user_id: set() for user_id in example_workspace.MEMBERS}
        for _ in range(MOST_TRUST_DAYS):
            await self._advance()
            for user_id, messages in asked.items():
                open_now = simulated_team.open_questions(self._core, user_id)
                messages |= {message["ts"] for message in open_now}
            once = [user_id for user_id, messages in asked.items() if len(messages) < 2]
            if not once:
                return
            await self._evening(TRUST_LEVELS, once)

    async def _evening(self, levels: simulated_team.Levels, people: Sequence[str]) -> None:
        """Let these people, and Ana, answer what they have been asked."""
        await simulated_team.answer_open_questions(self._core, people, levels)
        await simulated_team.answer_open_questions(self._core, [self._ana.user_id], LEADS_LEVELS)
        await self._answer_results()

    async def _advance(self) -> None:
        if self._core.hooks.advance is not None:
            await self._core.hooks.advance("day")
        with suppress(TimeoutError):
            await self._core.work.settled(SETTLE_SECONDS)
        self._days += 1
        self._show()

    def _direct(self, person: Person) -> str:
        return person.direct_message.id if person.direct_message else ""


def _input_ids(view: Json | None) -> Iterator[str]:
    for block in (view or {}).get("blocks", []):
        if block["type"] == "input":
            yield block["block_id"]
