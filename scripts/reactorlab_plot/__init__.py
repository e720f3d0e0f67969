"""Charts and report of a results folder (samples.jsonl, summary.json, provenance.json)."""
