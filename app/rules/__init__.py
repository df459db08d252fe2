"""Rule files, their plans, and the evaluation of one minute.

Pure over the points of a minute: where they come from and where the values go is not known here.
"""

from app.rules.book import FileState, FileStatus, RuleBook, RuleContents
from app.rules.definitions import MetricDefinition
from app.rules.directory import RuleDirectory
from app.rules.engine import MetricValues, RuleEngine, RuleFault
from app.rules.explaining import Explainer, Wanted
from app.rules.explanation import ExplainedRule, ExplainedValue, Explanation
from app.rules.files import (
    LayerDefinition,
    Rule,
    RuleFile,
    load_rule_directory,
    load_rule_file,
    read_rule_directory,
)
from app.rules.minute import MinutePoints

__all__ = [
    "ExplainedRule",
    "ExplainedValue",
    "Explainer",
    "Explanation",
    "FileState",
    "FileStatus",
    "LayerDefinition",
    "MetricDefinition",
    "MetricValues",
    "MinutePoints",
    "Rule",
    "RuleBook",
    "RuleContents",
    "RuleDirectory",
    "RuleEngine",
    "RuleFault",
    "RuleFile",
    "Wanted",
    "load_rule_directory",
    "load_rule_file",
    "read_rule_directory",
]
