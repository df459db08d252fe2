"""Scenarios with a known answer: a calm account in which exactly one thing happens.

What a diagnosis must say and which alarms must fire is known before any data is sent.
"""

from app.simulator.scenarios.answer import Answer, Firing
from app.simulator.scenarios.model import ScenarioModel
from app.simulator.scenarios.scenario import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Answer", "Firing", "Scenario", "ScenarioModel"]
