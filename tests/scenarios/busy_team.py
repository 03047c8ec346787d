"""A lead and seven members who use everything that a phase offers, for weeks."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.harness import ANA, BEN, CHIARA, DEV, EMI, HANA, LAUNCH, MEMBERS, BotHarness
from tests.scenarios.lead import CLEAR, RICHER, SPRINT, TRUST, Lead
from tests.taps import KEYS, buttons_in, shown_text

STOP_IF = {"start.text.stop_if": "Half of us are moved to another team."}
#: Who answers nothing, and so is reminded.
SILENT = HANA
LEVEL, LOW = 4, 2
YES, NO = 1, 3
CHANGE = "When a review waits a day, I will take it."
WRAP_UP = {
    "milestone_outcome": "moved",
    "outcome": "One customer has it.",
    "learning": "Ask first.",
}
Message = dict[str, Any]


class BusyTeam:
    """The people of a phase in #launch. They act as soon as the bot has sent something.

    The lead promises a change every week or, to be asked whether the phase should go on, only in
    the first one. Of two decisions the lead makes the first.
    """

    def __init__(self, harness: BotHarness, *, promises_weekly: bool) -> None:
        self.harness = harness
        self.promises_weekly = promises_weekly
        self.ana = Lead(harness)
        self._left: list[tuple[datetime, Callable[[], Any]]] = []
        self._used: set[tuple[str, str]] = set()  # buttons that were pressed, with their messages

    async def starts(self, kind: str, *, decides_on: datetime) -> None:
        """Start a phase with everything optional in it."""
        lead = self.ana
        await self.harness.settle()
        assert await lead.types(kind) == ""
        assert await lead.sends(**CLEAR) == {}
        await lead.me.click("phase.start.richer")
        texts = (TRUST if kind.startswith("trust") else SPRINT) | RICHER | STOP_IF
        typed = {name: text for name, text in texts.items() if name in lead.inputs}
        assert await lead.sends(**typed, **{"start.stop_if_on": f"{decides_on:%Y-%m-%d}"}) == {}
        assert await lead.sends() == {}
        await self._says_what_it_counts_on()
        self._plan(is_trust=kind.startswith("trust"))

    async def lives_until(self, until: datetime) -> None:
        """Let time pass, from one thing that is due to the next, and everybody act in between."""
        bot = self.harness.bot
        while (due := await bot.next_due()) is not None and due <= until:
            await self.harness.travel_to(due)
            now = self.harness.clock.now()
            while self._left and self._left[0][0] <= now:
                await self._left.pop(0)[1]()
                await self.harness.settle()
            await self._answers()
            await self._leads()

    # ------------------------------------------------------------ in the first weeks

    def _plan(self, *, is_trust: bool) -> None:
        begun = self.harness.clock.now()
        plan: list[tuple[int, Callable[[], Any]]] = [
            (1, lambda: self._proposes("The monthly report")),
            (2, lambda: self._says_too_much(CHIARA)),
            (3, self._parks),
            (8, lambda: self._raises(CHIARA)),
            (9, lambda: self._proposes("The style guide")),
        ]
        if is_trust:
            plan += [(2, lambda: self._says_how(DEV)), (10, lambda: self._tells(EMI))]
        self._left = [(begun + timedelta(days=days), act) for days, act in plan]
        self._left.sort(key=lambda planned: planned[0])

    async def _says_what_it_counts_on(self) -> None:
        await self.ana.me.click("phase.expectations")
        while named := [name for name in self.ana.inputs if name.startswith("expectation.line.")]:
            assert await self.ana.sends(**dict.fromkeys(named, "Getting the importer out.")) == {}
        await self.ana.me.close(everything=True)

    async def _says_too_much(self, user_id: str) -> None:
        await self._fills(
            user_id, "phase.expectation.too_much", {"expectation.words": "Not alone."}
        )

    async def _proposes(self, text: str) -> None:
        await self._fills(BEN, "on_hold.what_else", {"new.text": text}, channel=LAUNCH)

    async def _parks(self) -> None:
        parked = {"item:0:": "park", "until:0": "2027-01-09"}
        await self._fills(ANA, "on_hold.what_else", parked, channel=LAUNCH)

    async def _raises(self, user_id: str) -> None:
        note = {"phase.concern.text": "Two of us worked on Sunday."}
        await self._fills(user_id, "phase.concern", note, channel=LAUNCH)

    async def _says_how(self, user_id: str) -> None:
        line = {"how_we_work.0": "Reviews within a day."}
        await self._fills(user_id, "phase.how_we_work", line, channel=LAUNCH)

    async def _tells(self, user_id: str) -> None:
        story = {"mistake.text": "I shipped on a Friday. Now I rehearse."}
        await self._fills(user_id, "phase.mistake", story, channel=LAUNCH)

    # ------------------------------------------------------------ whenever something was sent

    async def _answers(self) -> None:
        """Let everybody but one answer; the level of the last question is low."""
        for user_id in (ANA, *MEMBERS):
            for message in self._direct(user_id) if user_id != SILENT else ():
                levels = dict.fromkeys(KEYS, LEVEL) | {"ego": LOW}
                doubts = "go on as planned?" in shown_text(message)
                for key, level in (levels | {"check": NO if doubts else YES}).items():
                    if f"rounds.tap.{key}.{level}" in buttons_in(message):
                        await self._presses(user_id, f"rounds.tap.{key}.{level}", message)
        await self.harness.settle()

    async def _leads(self) -> None:
        """Let the lead answer whatever has a button for it, each once."""
        forms: Mapping[str, dict[str, str]] = {
            "results.reply": self._reply(),
            "decisions.decide": {"decisions.choice": "adjust", "decisions.text": CHANGE},
            "phase.concern.answer": {"concern.answer": "From now on I ask before Thursday."},
            "phases.end": WRAP_UP,
        }
        for message in self._direct(ANA):
            has_ended = "What came of it?" in message["text"]
            buttons = buttons_in(message) - (set() if has_ended else {"phases.end"})
            for button in forms.keys() & buttons:
                await self._answers_once(button, forms[button], message)
        for reply in self.harness.slack.workspace.messages(LAUNCH):
            if "on_hold.accept" in buttons_in(reply):
                await self._answers_once("on_hold.accept", {}, reply, channel=LAUNCH)

    def _reply(self) -> dict[str, str]:
        promised = any(button == "results.reply" for button, _ in self._used)
        is_change = self.promises_weekly or not promised
        choice = "change" if is_change else "nothing"
        return {"results.choice": choice, "results.reply.change": CHANGE}

    async def _answers_once(
        self, button: str, values: dict[str, str], message: Message, channel: str | None = None
    ) -> None:
        pressed = [ts for name, ts in self._used if name == button]
        if message["ts"] in pressed or (button == "decisions.decide" and pressed):
            return
        self._used.add((button, message["ts"]))
        await self._presses(ANA, button, message, channel)
        await _sends_and_closes(self.ana, values)

    async def _presses(
        self, user_id: str, button: str, message: Message, channel: str | None = None
    ) -> None:
        person = self.harness.slack.as_user(user_id)
        direct = person.direct_message
        await person.click(
            button, channel=channel or (direct.id if direct else None), ts=message["ts"]
        )

    async def _fills(
        self, user_id: str, button: str, values: dict[str, str], channel: str | None = None
    ) -> None:
        person = Lead(self.harness, user_id)
        await person.me.click(button, channel=channel)
        await _sends_and_closes(person, values)

    def _direct(self, user_id: str) -> Iterator[Message]:
        person = self.harness.slack.as_user(user_id)
        yield from person.dm_with_bot()


async def _sends_and_closes(person: Lead, values: dict[str, str]) -> None:
    assert await person.sends(**values) == {}
    if person.me.top_view is not None:
        await person.me.close(everything=True)
