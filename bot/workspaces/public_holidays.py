"""Public holidays of countries, from the `holidays` library, which is loaded when one is set.

A country's file and its holidays of a year are read once (some milliseconds), and only the days are
kept. Holidays of single regions are not among them.
"""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from unicodedata import normalize

from bot.agenda.work_calendar import WEEKDAYS, WorkCalendar

#: Country names that differ from the names of the library's modules.
_NAMES = {
    "AX": "Åland Islands",
    "BQ": "Bonaire, Sint Eustatius and Saba",
    "CD": "DR Congo",
    "CG": "Republic of the Congo",
    "CI": "Côte d’Ivoire",
    "CW": "Curaçao",
    "GW": "Guinea-Bissau",
    "HK": "Hong Kong",
    "HM": "Heard Island and McDonald Islands",
    "MO": "Macao",
    "RE": "Réunion",
    "BL": "Saint Barthélemy",
    "SH": "Saint Helena, Ascension and Tristan da Cunha",
    "ST": "São Tomé and Príncipe",
    "SY": "Syria",
    "TL": "Timor-Leste",
    "TR": "Türkiye",
}
_SMALL_WORDS = {"and", "of", "the"}


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """Return the English names of the countries with known holidays, by their two-letter codes."""
    from holidays.registry import COUNTRIES

    names = {codes[1]: module for module, codes in COUNTRIES.items()}
    named = {code: _NAMES.get(code) or _name(module) for code, module in names.items()}
    return dict(sorted(named.items(), key=lambda item: normalize("NFD", item[1])))


@lru_cache(maxsize=256)
def calendar_of(country: str | None) -> WorkCalendar:
    """Return the working days in a country, by its code; None: every weekday is one.

    So it is for a code that the library does not know (any more).
    """
    if country is None or country not in countries():
        return WEEKDAYS
    return WorkCalendar(is_holiday=lambda day: day in _holidays(country, day.year))


@lru_cache(maxsize=1024)
def _holidays(country: str, year: int) -> frozenset[date]:
    from holidays import country_holidays

    return frozenset(country_holidays(country, years=year, expand=False))


def _name(module: str) -> str:
    words = module.split("_")
    return " ".join(word if word in _SMALL_WORDS else word.capitalize() for word in words)
