"""The tables of the audit trail, through what a person may see."""

from snapshots.models import Exchange


def exchange_neighbours(exchange: Exchange) -> tuple[Exchange | None, Exchange | None]:
    """The one before and the one after, of the same operation."""
    if exchange.operation_id is None:
        return None, None
    same = Exchange.objects.filter(operation_id=exchange.operation_id)
    before = same.filter(seq__lt=exchange.seq).order_by("-seq").first()
    return before, same.filter(seq__gt=exchange.seq).order_by("seq").first()
