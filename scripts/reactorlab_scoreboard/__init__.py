"""Published findings and hypotheses of ours, as predictions that stored runs confirm or refute."""
