"""`make privacy`: how much of one person's answer follows from what the bot shows."""

import argparse

from bot.clock import monotonic
from tests.privacy import table

QUICK_SIZES = range(4, 10)


def main() -> int:
    """Print the tables. Returns 0 if the goal is met, else 1."""
    parser = argparse.ArgumentParser(prog="make privacy")
    parser.add_argument("--quick", action="store_true", help="teams of 4 to 9 only")
    began = monotonic()
    found = list(table.rows(QUICK_SIZES if parser.parse_args().quick else table.PEOPLE))
    print("Shares of rounds in which a reader can be certain / at least 80 % sure that or of:\n")
    print("\n".join(f"  {name:<16} {meaning}" for name, meaning in table.COLUMNS.items()))
    print(
        "\nAll histograms are enumerated. The reader knows how many answered, and how people "
        "usually do.\n"
    )
    print(table.text(found))
    worst = table.worst_lone_low(found)
    is_met = worst <= table.GOAL
    print(
        f"\nprivacy: certain that exactly one is low in at most {table.percent(worst)} of rounds, "
        f"goal {table.percent(table.GOAL)}: {'met' if is_met else 'MISSED'} "
        f"({monotonic() - began:.0f} s)"
    )
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main())
