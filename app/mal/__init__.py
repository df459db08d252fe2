"""The Meter Analysis Language: grammar, frozen AST, and vectorised functions over sample families.

Pure: text and samples in, values out. A compiled expression is a graph of nodes; labels run through
it once, when a series first appears, and leave index arrays behind, so that evaluating a minute is
numpy alone. Specification: the rules of Apache SkyWalking's MAL, with this project's deviations in
docs/mal-compatibility.md.
"""

from app.mal.compiler import Surroundings
from app.mal.entities import Entity, Scope
from app.mal.expressions import CompiledExpression, compile_expression
from app.mal.frames import Combine, Downsampling, Frame, Labels
from app.mal.nodes import Mark, Node, Select, Source
from app.mal.syntax import Chain, parse_chain, parse_closure, parse_expression

__all__ = [
    "Chain",
    "Combine",
    "CompiledExpression",
    "Downsampling",
    "Entity",
    "Frame",
    "Labels",
    "Mark",
    "Node",
    "Scope",
    "Select",
    "Source",
    "Surroundings",
    "compile_expression",
    "parse_chain",
    "parse_closure",
    "parse_expression",
]
