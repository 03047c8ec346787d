"""Commands, answers, time and faults at random, beside a model of what they ought to do."""

from tests.model.answers import Answers
from tests.model.environment import Environment
from tests.model.leads import Leads


class Machine(Leads, Answers, Environment):
    """The whole bot, beside what it ought to do."""
