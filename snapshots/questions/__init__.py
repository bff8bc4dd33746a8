"""The auditors' questions: what requests each of them finds, how often, and since when.

A request has columns that say what finds it, set when it is asked for, and its state. A page asks
the database for them through an index, each time it is shown.
"""
