"""The steps of a run: this tuple, read from top to bottom, is the order.

Packages come first, since what they install cannot be foreseen; rules come last and derive what was touched.
"""

from typing import Tuple

from ..step import Rule, Step

STEPS: Tuple[Step, ...] = ()

RULES: Tuple[Rule, ...] = ()
