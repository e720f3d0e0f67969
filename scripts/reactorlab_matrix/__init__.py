"""Turns ctest's JUnit files and the mutation matrix into the page that people read."""
