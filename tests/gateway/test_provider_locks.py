"""A batch keeps its provider's wallet model as it is, and people who change other things go on."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from apps.providers.contracts import NewKey
from apps.providers.models import Provider, ProviderKey
from apps.providers.services.addresses import Addresses, execute_addresses, request_addresses
from apps.providers.services.keys import add_provider_key
from apps.providers.services.wallet_model import lock_wallet_model, pin_wallet_models
from apps.staff.contracts import ApprovalGrant
from apps.staff.models import Approval
from tests.factories import make_user
from tests.gateway.builders import NOW, Casino, open_casino
from tests.races import race


@pytest.fixture
def casino(transactional_db: None) -> Casino:
    return open_casino()


def during_a_batch(casino: Casino, change: Callable[[], object]) -> object:
    """Return what a change comes to that waits half a second at most, while a batch is written."""

    def impatient() -> object:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '500ms'")
            return change()

    with transaction.atomic(), connection.cursor() as cursor:
        pin_wallet_models(cursor, [casino.provider.pk])
        [outcome] = race([impatient])
    return outcome


def test_a_key_is_added_while_a_batch_is_written(casino: Casino) -> None:
    new = NewKey(casino.provider.pk, "k-2", "", NOW, NOW + timedelta(days=90), None)
    secret = during_a_batch(casino, lambda: add_provider_key(new, reason="yearly", now=NOW))
    assert isinstance(secret, str)
    assert ProviderKey.objects.get(kid="k-2").secret == secret


def test_addresses_are_changed_while_a_batch_is_written(casino: Casino) -> None:
    wanted = Addresses("https://aurora.example/export", "", "")
    asker = make_user("asker", permissions=("providers.change_provider",))
    number = request_addresses(
        casino.provider.pk, wanted, acting_user=asker, reason="it moved", now=NOW
    )
    asked = Approval.objects.get(pk=number)
    grant = ApprovalGrant(
        number, asked.kind, asked.subject, asked.payload, asker.pk, asker.pk + 1, NOW
    )
    outcome = during_a_batch(casino, lambda: execute_addresses(grant))
    assert outcome == {"provider": "aurora", **asked.payload["to"]}
    assert Provider.objects.get().export_url == "https://aurora.example/export"


def test_another_wallet_model_waits_for_the_batch(casino: Casino) -> None:
    outcome = during_a_batch(casino, lambda: lock_wallet_model("aurora"))
    assert isinstance(outcome, OperationalError)
    assert "lock timeout" in str(outcome)
