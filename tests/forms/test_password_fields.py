"""Passwords are taken as they were typed, wherever one is asked for."""

from importlib import import_module
from pkgutil import walk_packages

from django import forms
from django.contrib.auth.forms import SetPasswordForm

import snapshots.forms


def _forms():
    for module in walk_packages(snapshots.forms.__path__, "snapshots.forms."):
        yield from vars(import_module(module.name)).values()
    yield SetPasswordForm


def _password_fields():
    for form in _forms():
        if isinstance(form, type) and issubclass(form, forms.BaseForm):
            for name, field in getattr(form, "base_fields", {}).items():
                if isinstance(field.widget, forms.PasswordInput):
                    yield f"{form.__name__}.{name}", field


def test_no_password_loses_its_blanks():
    fields = dict(_password_fields())
    assert {"SetUpForm.password", "ConfirmForm.password"} <= set(fields)
    assert [name for name, field in fields.items() if field.strip] == []
