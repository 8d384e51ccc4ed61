"""Every tree: one row for each family, release and boot path of the table of guests that must work."""

from typing import Tuple

from tests.roots import debian, rhel7, rhel8, rhel9, ubuntu
from tests.roots.tree import Tree

TREES: Tuple[Tree, ...] = debian.TREES + ubuntu.TREES + rhel7.TREES + rhel8.TREES + rhel9.TREES
