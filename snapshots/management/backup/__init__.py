"""A backup is one file: the database as it was at one moment, and a manifest. See
`docs/decisions/0015-backup-file.md`.
"""
