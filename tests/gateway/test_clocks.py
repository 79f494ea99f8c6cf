"""Our own clock may step back; the order of what happened does not."""

from datetime import timedelta

import pytest

from apps.core.services import verify_audit_chain
from apps.wallet.models import LedgerSeal, Transfer
from apps.wallet.services.proof import seal_transfers, verify_ledger
from tests.gateway.builders import Casino


@pytest.mark.django_db
def test_a_clock_that_steps_back_ten_minutes_changes_no_order_and_breaks_no_seal(
    casino: Casino,
) -> None:
    casino.send(casino.event("e-1"))
    seal_transfers(now=casino.now)
    casino.now -= timedelta(minutes=10)
    casino.send(casino.event("e-2"))
    seal_transfers(now=casino.now)
    in_order = Transfer.objects.filter(kind="stake").order_by("pk")
    assert [transfer.subject for transfer in in_order] == ["aurora:e-1", "aurora:e-2"]
    first, second = in_order
    assert second.created_at < first.created_at
    runs = LedgerSeal.objects.order_by("pk").values_list("first_transfer_id", "last_transfer_id")
    (_, end), (start, _) = runs
    assert start == end + 1
    assert verify_ledger().holds
    assert verify_audit_chain().holds
    assert casino.pots()["cash"] == 10_300
