"""The tables of the audit trail, through what a person may see."""

from django.contrib.auth.models import User
from django.db.models import QuerySet

from snapshots.models import Action, Anomaly, Exchange, may_audit


def exchanges_visible_to(user: User) -> QuerySet[Exchange]:
    """Every exchange for auditors, none for anybody else."""
    exchanges = Exchange.objects.select_related("answer", "operation")
    return exchanges if may_audit(user) else exchanges.none()


def actions_visible_to(user: User) -> QuerySet[Action]:
    """Every action for auditors, none for anybody else."""
    actions = Action.objects.select_related("operation")
    return actions if may_audit(user) else actions.none()


def anomalies_visible_to(user: User) -> QuerySet[Anomaly]:
    """What should never happen and did, newest first; for auditors."""
    anomalies = Anomaly.objects.select_related("operation")
    return anomalies if may_audit(user) else anomalies.none()


def exchange_neighbours(exchange: Exchange) -> tuple[Exchange | None, Exchange | None]:
    """The one before and the one after, of the same operation."""
    if exchange.operation_id is None:
        return None, None
    same = Exchange.objects.filter(operation_id=exchange.operation_id)
    before = same.filter(seq__lt=exchange.seq).order_by("-seq").first()
    return before, same.filter(seq__gt=exchange.seq).order_by("seq").first()
