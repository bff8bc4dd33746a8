"""The auditors' questions: what requests each of them finds, how often, and since when."""
