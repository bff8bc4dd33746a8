"""Moves the portal's database from SQLite to PostgreSQL: row by row, then compared row by row.

`source` opens SQLite and refuses what cannot be moved, `columns` says how each value is spelt in
PostgreSQL, `target` prepares and finishes PostgreSQL's side, `moving` does it in order.
"""
