"""What CloudFormation makes of a template with given parameters: its functions, from the manual.

Enough to see which properties a resource ends up with. Attributes of resources stay what they are,
as nobody has made them yet.
"""

import re
from typing import Any

_REMOVED = object()


class Stack:
    """A template with parameters; unknown ones fail, missing ones have their default."""

    def __init__(self, template: dict[str, Any], **parameters: str) -> None:
        self._template = template
        defaults = {
            name: str(given["Default"])
            for name, given in template["Parameters"].items()
            if "Default" in given
        }
        unknown = parameters.keys() - template["Parameters"].keys()
        assert not unknown
        self.parameters = {
            **{f"AWS::{name}": name for name in ("AccountId", "Partition", "Region")},
            **defaults,
            **parameters,
        }

    def resources(self) -> dict[str, Any]:
        """The properties of the resources that are made, by name."""
        return {
            name: self.resolve(resource.get("Properties", {}))
            for name, resource in self._template["Resources"].items()
            if "Condition" not in resource or self.condition(resource["Condition"])
        }

    def condition(self, name: str) -> bool:
        """A condition of the template."""
        return bool(self.resolve(self._template["Conditions"][name]))

    def assertions(self) -> list[bool]:
        """What the template's rules say about the parameters."""
        return [
            bool(self.resolve(assertion["Assert"]))
            for rule in self._template["Rules"].values()
            for assertion in rule["Assertions"]
        ]

    def resolve(self, node: Any) -> Any:  # noqa: ANN401 - any part of a template
        """A part of the template with its functions carried out."""
        if isinstance(node, list):
            return [value for item in node if (value := self.resolve(item)) is not _REMOVED]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._call(str(name).removeprefix("Fn::"), argument)
        resolved = {str(name): self.resolve(value) for name, value in node.items()}
        return {name: value for name, value in resolved.items() if value is not _REMOVED}

    def _call(self, function: str, argument: Any) -> Any:  # noqa: ANN401
        match function:
            case "Ref":
                # A resource stands for its own name.
                return _REMOVED if argument == "AWS::NoValue" else self._named(str(argument))
            case "If":
                return self.resolve(argument[1 if self.condition(argument[0]) else 2])
            case "GetAtt":
                return ".".join(argument) if isinstance(argument, list) else argument
            case "Sub":
                return re.sub(r"\$\{([\w:.]+)\}", lambda found: self._named(found[1]), argument)
        values = self.resolve(argument)
        match function:
            case "Equals":
                return values[0] == values[1]
            case "Not":
                return not values[0]
            case "And":
                return all(values)
            case "Or":
                return any(values)
            case "Join":
                return values[0].join(values[1])
            case "Split":
                return values[1].split(values[0])
            case "Select":
                return values[1][int(values[0])]
        raise AssertionError(f"the template uses Fn::{function}, which is not known here")

    def _named(self, name: str) -> str:
        return self.parameters.get(name, name)
