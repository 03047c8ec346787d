"""`make privacy`: how much of one person's answer follows from what the bot shows."""

import argparse
from collections.abc import Mapping

from bot.clock import monotonic
from tests.privacy import table

QUICK_SIZES = range(4, 10)


def main() -> int:
    """Print the tables. Returns 0 if the goal is met, else 1."""
    parser = argparse.ArgumentParser(prog="make privacy")
    parser.add_argument("--quick", action="store_true", help="teams of 4 to 9 only")
    began = monotonic()
    sizes = QUICK_SIZES if parser.parse_args().quick else table.PEOPLE
    found, checks = list(table.rows(sizes)), list(table.check_rows(sizes))
    print("Shares of rounds in which a reader can be certain / at least 80 % sure that or of:\n")
    print(_meanings(table.COLUMNS))
    print(
        "\nAll histograms are enumerated. The reader knows how many answered, and how people "
        "usually do.\n"
    )
    print(table.text(found))
    print(f"\nOf the check, and of its answers that count:\n\n{_meanings(table.CHECK_COLUMNS)}\n")
    print(table.check_text(checks))
    worst = max(table.worst(found, "one low"), table.worst(checks, "one no"))
    is_met = worst <= table.GOAL
    print(
        f"\nprivacy: certain that exactly one is low, or said no, in at most "
        f"{table.percent(worst)} of rounds, goal {table.percent(table.GOAL)}: "
        f"{'met' if is_met else 'MISSED'} ({monotonic() - began:.0f} s)"
    )
    return 0 if is_met else 1


def _meanings(columns: Mapping[str, str]) -> str:
    return "\n".join(f"  {name:<16} {meaning}" for name, meaning in columns.items())


if __name__ == "__main__":
    raise SystemExit(main())
