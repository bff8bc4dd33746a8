"""`manage audit_roles`: roles for web, worker and archive that own nothing of the trail."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection, transaction

from snapshots.audit.database.roles import ARCHIVE, WEB, WORKER, grants, is_owner, owner, too_mighty

_NAME = re.compile(r"(?!pg_|public$|none$)[\w.@-]+")
_LONGEST_NAME = 63  # bytes; PostgreSQL cuts the rest off
ROLES = {"web": WEB, "worker": WORKER, "archive": ARCHIVE}


class Command(BaseCommand):
    help = (
        "Prints SQL for PostgreSQL, to be run by the owner of the tables after each migration: "
        "roles for web, worker and archive that may do what they need and nothing else. With"
        " --execute it runs it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        for part in ROLES:
            parser.add_argument(f"--{part}", default=f"evsportal_{part}", help="the role's name")
        parser.add_argument(
            "--execute", action="store_true", help="run the SQL, by the owner's DATABASE_URL"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("SQLite has no roles: whoever may write the file may do everything.")
        names = {options[part]: role for part, role in ROLES.items()}
        for name in names:
            if not _NAME.fullmatch(name) or len(name.encode()) > _LONGEST_NAME:
                raise CommandError(
                    f"{name!r} is no name for a role: write letters, digits, _ . @ or -, at most"
                    f" {_LONGEST_NAME}, and neither pg_..., public nor none."
                )
        if len(names) < len(ROLES):
            raise CommandError("Name three different roles.")
        if mighty := too_mighty(names):
            reason = f"{mighty[0]} may do all that the owner of the tables may, and take the "
            raise CommandError(reason + "triggers away. Let programs have other roles.")
        if options["execute"]:
            self._execute(list(grants(names)))
            self.stdout.write(
                f"{', '.join(names)} may do what they need. New ones need a password."
            )
            return
        for line in _script(options, list(grants(names))):
            self.stdout.write(line)

    def _execute(self, statements: list[str]) -> None:
        """All or nothing. PostgreSQL only warns of a right that somebody else gives."""
        if not is_owner():
            raise CommandError(f"Use the DATABASE_URL of {owner()}, who owns the tables.")
        warnings: list[str] = []
        try:
            with transaction.atomic(durable=True), connection.cursor() as cursor:
                notices = connection.connection
                notices.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
                for statement in statements:
                    cursor.execute(statement)
                if warnings:
                    raise CommandError(_refusal(warnings[0]))
        except DatabaseError as error:
            raise CommandError(_refusal(str(error).partition("\n")[0])) from error


def _refusal(reason: str) -> str:
    return (
        f"Nothing was changed: {reason}. Making roles needs CREATEROLE, and the rights on database"
        f" and schema are their owner's to give: let an administrator run what the command prints"
        " without --execute."
    )


def _script(options: dict[str, Any], statements: list[str]) -> Iterator[str]:
    yield f"-- For {owner()}, who owns the tables: psql -1 -v ON_ERROR_STOP=1 -f THIS"
    yield "-- Again after each migration. New roles need a password: \\password NAME in psql."
    for part in ROLES:
        yield f"--   {part}: DATABASE_URL=postgresql://{options[part]}:...@host/name"
    for statement in statements:
        yield f"{statement};"
