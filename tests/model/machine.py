"""Commands, answers, time and faults at random, beside a model of what they ought to do."""

from tests.model.answers import Answers
from tests.model.leads import Leads
from tests.model.weather import Weather


class Machine(Leads, Answers, Weather):
    """The whole bot, beside what it ought to do."""
