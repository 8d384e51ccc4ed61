"""Real guests in real virtual machines: built, booted, prepared, cut from power, booted again."""
