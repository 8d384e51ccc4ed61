#!/usr/bin/python3 -sB
"""The command /usr/bin/agentprep of the RPM, whose modules are in a folder of their own."""

import sys

sys.path.insert(0, "/usr/share/agentprep")

from agentprep.cli import main

sys.exit(main())
