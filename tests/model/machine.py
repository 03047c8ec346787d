"""The state machine: random commands, answers, time and faults, compared with a model."""

from tests.model.answers import Answers
from tests.model.environment import Environment
from tests.model.leads import Leads


class Machine(Leads, Answers, Environment):
    """The whole bot, compared with the reference model."""
