"""Everything that an operator would look at: each look yields findings, in sentences."""
