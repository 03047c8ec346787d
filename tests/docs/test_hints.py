"""The page on hints says what the code says, and nothing else."""

import re

from bot.results import hints, levels
from bot.results.hints import ADVICE, NAMES, Occasion
from tests.docs.reading import section

SEEN = {
    Occasion.LOW: "low",
    Occasion.LOW_TWICE: "low",
    Occasion.FALL: "fell",
    Occasion.LEAD_HIGHER: "the lead rates it higher than the team",
    Occasion.LEAD_LOWER: "the lead rates it lower than the team",
}


def rows(title: str) -> set[tuple[str, ...]]:
    lines = re.findall(r"^\| (.+) \|$", section("docs/hints.md", title), re.M)
    return {tuple(line.split(" | ")) for line in lines[2:]}


def test_hints_page_lists_every_hint_as_the_bot_words_it() -> None:
    written = {
        (
            f"{NAMES[key]}: {SEEN[occasion]}",
            advice.meaning,
            advice.action[0].upper() + advice.action[1:],
        )
        for occasion, by_question in ADVICE.items()
        for key, advice in by_question.items()
    }

    assert rows("What they say") == written


def test_hints_page_names_the_thresholds() -> None:
    limits = {seen: limit for seen, limit in rows("When there is one")}

    low = limits["a low level"]
    assert low.startswith(f"{hints.LOW_LEVEL:g} or less, twice in a row;")
    assert f"up to {hints.SHORT_PHASE_WEEKS} weeks" in low
    fall = limits["a fall"]
    assert fall.startswith(f"{hints.LARGE_FALL:g} or more")
    assert f"from {levels.PHRASES_FROM} answers on" in fall
    gap = limits["the lead's own answer and the team's level apart"]
    assert gap.startswith(f"{hints.WIDE_GAP:g} or more")
