"""Per-message costs of an echo server, counted from outside on the shipped binary."""
