"""Records to tell a target."""

from datetime import datetime

from agent.foundation.outward import Outgoing, OutwardKind, OutwardRecord, OutwardResult

AT = datetime(2026, 3, 2, 9, 30)


def a_record(our_id="og-ready-1", **changes):
    """An account that is ready."""
    values = {
        "our_id": our_id,
        "kind": OutwardKind.READY,
        "account_id": "acme",
        "account_name": "Acme",
        "title": "Ready for an upgrade: Acme",
        "body": "Acme has outgrown its plan.\nWhy now: 5 limit hits.",
        "at": AT,
    }
    return OutwardRecord(**{**values, **changes})


def an_outcome(our_id="og-outcome-1", **changes):
    """An upgrade with its money."""
    values = {
        "kind": OutwardKind.OUTCOME,
        "result": OutwardResult.WON,
        "title": "Upgrade upgraded: Acme",
        "amount_minor": 4900,
        "currency": "EUR",
        "amount": "49.00",
    }
    return a_record(our_id, **{**values, **changes})


def going(record=None, there=None, **changes):
    """The record on its way."""
    return Outgoing(record or a_record(), there or {}, **changes)
