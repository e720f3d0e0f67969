"""Runs the rules against the mutants and keeps what became of each pair."""
