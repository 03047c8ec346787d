"""One simulated workspace: its people, their time zones and their channel."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.model.facts import Someone
from tests.model.reference_model import ReferenceModel
from tests.soak.random_choices import SeededChoices

CHANNEL = "C0TEAM"
#: With offsets of half and three quarters of an hour, and summer time in both hemispheres.
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
class SimulatedWorkspace:
    """A workspace, with the reference model of what the bot should do in it."""

    workspace_id: str
    reference_model: ReferenceModel
    choices: SeededChoices
    lead: str = "U00"
    rounds: dict[str, object] = field(default_factory=dict)  # by id, as in the reference model
    people_count: int = 0
    #: The zones of each person, each with the time since when they live there.
    zones: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return f"xoxb-{self.workspace_id}"

    @property
    def members(self) -> set[str]:
        return self.reference_model.inside[CHANNEL]

    def add_person(self) -> str:
        """Add somebody new. Returns their user id."""
        user = f"U{self.people_count:02d}"
        self.people_count += 1
        zone = self.choices.one_of(ZONES)
        self.reference_model.people[user] = Someone(zone=zone)
        self.zones[user] = [(self.reference_model.now, zone)]
        return user

    def move(self, user: str, zone: str) -> None:
        """Move a person to another time zone."""
        self.reference_model.move(user, zone)
        self.zones[user].append((self.reference_model.now, zone))


def simulated_workspace(number: int, seed: int, now: datetime) -> SimulatedWorkspace:
    """A workspace with a lead and a team of 4 to 12, in zones chosen by the seed."""
    reference_model = ReferenceModel(now=now, people={}, inside={CHANNEL: set()})
    workspace = SimulatedWorkspace(
        workspace_id=f"T{number:04d}",
        reference_model=reference_model,
        choices=SeededChoices("place", seed, number),
    )
    for _ in range(1 + workspace.choices.between(SMALLEST, LARGEST)):
        workspace.members.add(workspace.add_person())
    return workspace
