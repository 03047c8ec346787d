"""The people and channels of Northwind, the initial state of every playground and test."""

from collections.abc import Iterator
from dataclasses import replace

from bot.playground.fake_slack.model import Conversation, User

TEAM_ID, TEAM_NAME, TEAM_DOMAIN = "T0PLAY", "Northwind", "northwind"
OTHER_TEAM_ID = "T0OTHER"
APP_ID, BOT_ID, BOT_USER_ID = "A0IMBAL", "B0IMBAL", "U0IMBAL"
OTHER_APP_ID, OTHER_BOT_ID = "A0OTHER", "B0OTHER"
SLACKBOT = "USLACKBOT"
HOME_ZONE = "Europe/Lisbon"

LEAD = "U0ANA"
MEMBERS = ("U0BEN", "U0CHI", "U0DEV", "U0EMI", "U0FIN", "U0GUS", "U0HAN")
OWNER, DEACTIVATED, GUEST, OTHER_BOT, EXTERNAL = "U0OWN", "U0OLD", "U0GST", "U0CIB", "U0EXT"


def is_colleague(user: User) -> bool:
    """Return whether somebody is of this workspace.

    On Enterprise Grid the list of their workspaces says so, and `team_id` may be another's.
    """
    return TEAM_ID in user.teams if user.teams else user.team_id == TEAM_ID


def _person(user_id: str, name: str, zone: str, title: str, color: str) -> User:
    handle = name.split(maxsplit=1)[0].lower()
    return User(
        id=user_id,
        name=handle,
        real_name=name,
        team_id=TEAM_ID,
        tz=zone,
        title=title,
        color=color,
    )


def _bot(user_id: str, name: str, color: str) -> User:
    bot = _person(user_id, name, HOME_ZONE, "App", color)
    return replace(bot, name=name.lower().replace(" ", "_"), is_bot=True)


def people() -> Iterator[User]:
    """Yield all people in their initial state."""
    yield _person(LEAD, "Ana Costa", "Europe/Lisbon", "Engineering lead", "#b5446e")
    yield _person("U0BEN", "Ben Okafor", "Africa/Lagos", "Backend", "#3c7a89")
    yield _person("U0CHI", "Chiara Rossi", "Europe/Rome", "Design", "#7a5ea8")
    yield _person("U0DEV", "Dev Patel", "Asia/Kolkata", "Platform", "#4f7f3c")
    yield _person("U0EMI", "Emi Tanaka", "Asia/Tokyo", "Quality", "#b26a2c")
    yield _person("U0FIN", "Finn O'Brien", "America/New_York", "Frontend", "#2f6fb3")
    yield _person("U0GUS", "Gustavo Lima", "America/Sao_Paulo", "Data", "#8a6d1f")
    yield _person("U0HAN", "Hana Novak", "Europe/Prague", "Product", "#a33f3f")
    owner = _person(OWNER, "Olivia Reed", "Europe/London", "Workspace owner", "#51606e")
    yield replace(owner, is_admin=True, is_owner=True)
    yield replace(_person(DEACTIVATED, "Otto Old", "Europe/Berlin", "", "#8c8c8c"), deleted=True)
    guest = _person(GUEST, "Greta Guest", "Europe/Vienna", "Contractor", "#4a8f80")
    yield replace(guest, is_restricted=True)
    partner = _person(EXTERNAL, "Xavier Partner", "Europe/Madrid", "Partner Inc.", "#9a5b8f")
    yield replace(partner, team_id=OTHER_TEAM_ID)
    yield _bot(OTHER_BOT, "Deploy Bot", "#3f4a5a")
    yield _bot(BOT_USER_ID, "Imbalance", "#2e3a4f")
    slackbot = _person(SLACKBOT, "Slackbot", "", "", "#611f69")
    yield replace(slackbot, tz=None)  # in Slack it is not marked as a bot, and has no time zone


def channels() -> Iterator[Conversation]:
    """Yield all channels in their initial state; direct messages open on demand."""
    launch = [LEAD, *MEMBERS, DEACTIVATED, GUEST, OTHER_BOT, BOT_USER_ID]
    everyone = [user.id for user in people() if user.id not in (SLACKBOT, EXTERNAL)]
    yield _channel("C0GENRAL", "general", everyone, "Company news", is_general=True)
    yield _channel("C0LAUNCH", "launch", launch, "The beta, and all that goes with it")
    platform = [LEAD, "U0BEN", "U0CHI", "U0DEV", "U0EMI"]
    yield _channel("C0PLATF", "platform", platform, "What everything else stands on")
    secret = [LEAD, "U0BEN", "U0CHI"]
    yield _channel("C0SECRET", "secret-plan", secret, "Not yet", is_private=True)
    partners = [LEAD, "U0BEN", EXTERNAL, BOT_USER_ID]
    yield _channel("C0PARTN", "partner", partners, "With Partner Inc.", is_ext_shared=True)
    old = [LEAD, "U0BEN", BOT_USER_ID]
    yield _channel("C0OLDPR", "old-project", old, "Done", is_archived=True)


def _channel(
    channel_id: str, name: str, members: list[str], topic: str, **flags: bool
) -> Conversation:
    return Conversation(
        id=channel_id,
        name=name,
        creator=OWNER,
        members=members,
        topic=topic,
        is_private=flags.get("is_private", False),
        is_archived=flags.get("is_archived", False),
        is_general=flags.get("is_general", False),
        is_ext_shared=flags.get("is_ext_shared", False),
    )
