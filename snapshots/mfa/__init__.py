"""The second factor of people who sign in with a password: a code of their phone, or a spare one.

django-allauth stores the factors and stops a sign-in for the second step. A code's check is ours:
allauth remembers used codes and wrong ones in a cache, which each process has for itself.
"""
