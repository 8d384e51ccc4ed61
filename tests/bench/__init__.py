"""What agentprep costs on an installed system, measured beside the limits and beside the same work done by hand."""
