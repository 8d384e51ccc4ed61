"""agentprep: make a Linux guest ready to be uploaded to Azure."""

import sys

sys.dont_write_bytecode = True  # check and plan write nothing anywhere; packages bring compiled code

__version__ = "0.2.0"
