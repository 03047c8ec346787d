"""One workspace as its own people know it: who they are, where they live, their channel."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.model.facts import Someone
from tests.model.reference_model import ReferenceModel
from tests.soak.random_choices import Dice

CHANNEL, BOT = "C0TEAM", "U0BOT"
#: Half and three quarters of an hour, both directions of summer time, and a half-hour of it.
ZONES = (
    *("Europe/Lisbon", "Europe/Berlin", "Europe/Kyiv", "America/New_York", "America/Chicago"),
    *("America/Los_Angeles", "America/St_Johns", "America/Santiago", "America/Sao_Paulo"),
    *("Africa/Lagos", "Africa/Cairo", "Asia/Jerusalem", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Asia/Tokyo", "Asia/Singapore", "Australia/Sydney", "Australia/Adelaide"),
    *("Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Pago_Pago"),
    *("Pacific/Kiritimati", "America/Caracas"),
)
SMALLEST, LARGEST = 4, 12


@dataclass(kw_only=True)
class Place:
    """The people of a workspace, and what ought to be said to them."""

    workspace_id: str
    reference_model: ReferenceModel
    dice: Dice
    lead: str = "U00"
    rounds: dict[str, object] = field(default_factory=dict)  # by id: the believed ones
    people_ever: int = 0
    #: Since when who lives in which zone.
    zones: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return f"xoxb-{self.workspace_id}"

    @property
    def inside(self) -> set[str]:
        return self.reference_model.inside[CHANNEL]

    def newcomer(self) -> str:
        """Somebody who was never there."""
        user = f"U{self.people_ever:02d}"
        self.people_ever += 1
        zone = self.dice.one_of(ZONES)
        self.reference_model.people[user] = Someone(zone=zone)
        self.zones[user] = [(self.reference_model.now, zone)]
        return user

    def moves(self, user: str, zone: str) -> None:
        """From now on it is their new zone that counts."""
        self.reference_model.move(user, zone)
        self.zones[user].append((self.reference_model.now, zone))


def settle_in(number: int, seed: int, now: datetime) -> Place:
    """A lead and a team of 4 to 12, each where the dice say."""
    reference_model = ReferenceModel(now=now, people={}, inside={CHANNEL: set()})
    place = Place(
        workspace_id=f"T{number:04d}",
        reference_model=reference_model,
        dice=Dice("place", seed, number),
    )
    for _ in range(1 + place.dice.between(SMALLEST, LARGEST)):
        place.inside.add(place.newcomer())
    return place
