"""Rows that are inserted and never changed. `audit/database/guards.py` makes that sure."""

from collections.abc import Iterable
from typing import Any, NoReturn

from django.db import models


class InsertOnlyError(TypeError):
    """Somebody tried to change or remove a row of the audit trail."""


class InsertOnlyQuerySet(models.QuerySet[Any]):
    """A query set that reads and inserts."""

    def update(self, **_kwargs: Any) -> NoReturn:
        raise InsertOnlyError("Audit rows are never changed.")

    def delete(self) -> NoReturn:
        raise InsertOnlyError("Audit rows are never removed.")

    def bulk_update(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise InsertOnlyError("Audit rows are never changed.")

    def bulk_create(self, objs: Any, *args: Any, **kwargs: Any) -> list[Any]:
        if args or {"update_conflicts", "ignore_conflicts"} & {k for k, v in kwargs.items() if v}:
            raise InsertOnlyError("Audit rows are inserted, each once.")
        return super().bulk_create(objs, **kwargs)

    def update_or_create(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise InsertOnlyError("Audit rows are never changed.")


class InsertOnly(models.Model):
    """A row that can be saved once."""

    objects = InsertOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"  # also what Django itself uses behind related managers

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        if not self._state.adding or force_update or update_fields is not None:
            raise InsertOnlyError("Audit rows are never changed.")
        super().save(force_insert=force_insert or True, using=using)

    def delete(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise InsertOnlyError("Audit rows are never removed.")
