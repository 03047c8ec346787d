"""Files that are not Python code: the migrations and Slack's app manifest."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(name: str) -> Path:
    """Return the path of a file or folder that belongs to the bot.

    An installed package holds them itself; in a checkout they stand beside `bot/`.
    """
    packaged = _PACKAGE / name
    return packaged if packaged.exists() else _PACKAGE.parent / name


MANIFEST = resource("manifest.json")
MIGRATIONS = resource("migrations")
