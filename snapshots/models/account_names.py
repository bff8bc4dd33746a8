"""Names of accounts, each in the form in which it is compared."""

from django.conf import settings
from django.db import models


class AccountName(models.Model):
    """A digest of the account's folded name: no two accounts have the same.

    Folded names may be twenty times as long as names, too long for an index. Null: when the table
    was made, an older account had the name already (`check` warns of both).
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="account_name",
    )
    digest = models.CharField(max_length=64, null=True, unique=True)

    def __str__(self) -> str:
        return str(self.person)
