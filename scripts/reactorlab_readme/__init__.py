"""Writes the measured parts of README.md from a results folder."""
