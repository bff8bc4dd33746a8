"""How the portal uses its database: repeated transactions, ordered row locks, locks between
processes, limits of a connection. Knows no table of the portal.
"""
