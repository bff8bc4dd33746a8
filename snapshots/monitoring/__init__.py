"""What monitoring is told: `metrics` lists it, `readings` asks the tables for it."""
