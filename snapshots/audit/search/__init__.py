"""The auditors' search: its query language, and the newest entries that a query finds."""
