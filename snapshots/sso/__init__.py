"""Signing in by OpenID Connect: the sign-in that an organisation already has.

django-allauth keeps the state of a sign-in in the session, sends the browser to the provider,
exchanges the code and stores which account belongs to which person of the provider. What it leaves
open is closed here: it trusts an id_token whose signature nobody checked, sends no nonce, and makes
names, e-mail addresses and sign-up forms out of what a provider says.
"""
