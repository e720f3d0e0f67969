"""The rules, their tests, the mutants and the tables beside them, as docs/SPEC.md and harness/conformance have them."""
