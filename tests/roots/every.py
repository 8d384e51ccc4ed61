"""Every tree: one row for each family, release and boot path of the table of guests that must work."""

from typing import Tuple

from tests.roots import debian, ubuntu
from tests.roots.tree import Tree

TREES: Tuple[Tree, ...] = debian.TREES + ubuntu.TREES
