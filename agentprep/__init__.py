"""agentprep: make a Linux guest ready to be uploaded to Azure."""

__version__ = "0.1.0"
