"""The arguments of `python -m bot outbox`, in a module of their own to keep imports light."""

import argparse

STATES = ("pending", "sending", "sent", "unknown", "held", "failed", "expired")
DEFAULT_STATES = "held,failed,unknown"
DEFAULT_LIMIT = 100
MOST = 1_000_000

ID = "a message's id, as `outbox list` prints it"


def add_outbox_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands of `outbox`; the chosen one is stored in `doing`."""
    subcommands = parser.add_subparsers(dest="doing", required=True, metavar="WHAT")
    list_ = subcommands.add_parser("list", help="messages that wait for somebody, and why")
    list_.add_argument(
        "--state", type=_states, default=_states(DEFAULT_STATES), metavar="STATE,..."
    )
    add_list_arguments(list_, "at most so many, oldest first; of what is over, newest first")
    retry = subcommands.add_parser("retry", help="post what is held or failed again")
    retry.add_argument("ids", nargs="+", metavar="ID", help=ID)
    retry.add_argument("--yes", action="store_true", help="even if it may then be seen twice")
    there = subcommands.add_parser("there", help="a held message was seen in Slack")
    there.add_argument("id", metavar="ID", help=ID)
    there.add_argument("link", metavar="LINK", help="its link: More actions, Copy link")
    drop = subcommands.add_parser("drop", help="never say it")
    drop.add_argument("ids", nargs="+", metavar="ID", help=ID)


def add_list_arguments(parser: argparse.ArgumentParser, limit_help: str) -> None:
    """Add the arguments of every command that prints a list."""
    parser.add_argument("--workspace", metavar="T...", help="only of this workspace")
    parser.add_argument("--limit", type=_positive, default=DEFAULT_LIMIT, help=limit_help)
    parser.add_argument("--json", action="store_true", help="one JSON list instead of lines")


def _positive(text: str) -> int:
    """Parse a number from 1 on."""
    if text.isascii() and text.isdecimal() and 0 < int(text) <= MOST:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a number from 1 to {MOST}")


def _states(text: str) -> tuple[str, ...]:
    states = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [state for state in states if state not in STATES]
    if unknown or not states:
        raise argparse.ArgumentTypeError(f"one or more of {', '.join(STATES)}")
    return states
