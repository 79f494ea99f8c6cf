"""Transfer orders are signed with keys of their own, which believe nothing that comes in."""

from datetime import datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from apps.gateway.errors import NoOrderKeyError
from apps.gateway.services.game_transfers import pursue_transfer, transfer_in, transfer_out
from apps.gateway.services.intake import UnauthenticatedError, read_callback
from apps.gateway.services.sub_wallets import MoneyOrder
from apps.providers.adapters.contract import CallbackRequest
from apps.providers.contracts import NewKey
from apps.providers.errors import InvalidSecretError
from apps.providers.models import Provider, ProviderKey
from apps.providers.selectors.catalogue import signing_secrets
from apps.providers.selectors.keys import keys_of, order_keys
from apps.providers.services import key_proposals, keys
from apps.staff.enums import Role
from apps.staff.models import Approval
from apps.staff.services import approve, sync_roles
from apps.wallet.models import GameTransfer
from tests.factories import make_provider, make_user
from tests.gateway.builders import (
    NOW,
    ORDER_SECRET,
    ORDER_SECRET_TEXT,
    SECRET,
    SECRET_TEXT,
    Casino,
    everything,
    give_key,
    give_order_key,
    later,
    signed_headers,
)
from tests.gateway.game_wallet import GameWallet

WHY = "The yearly change of keys."


@pytest.fixture
def there(casino: Casino, game_wallet: GameWallet) -> Casino:
    Provider.objects.update(wallet_model="transfer", transfer_url=game_wallet.url)
    return casino


def order(casino: Casino, key: str = "k-1") -> MoneyOrder:
    return MoneyOrder(casino.player.pk, "aurora", 3_000, "AUD", key)


def propose_and_agree(
    casino: Casino, kid: str, *, secret: str = "", end_others_at: datetime | None = None
) -> str:
    """Propose an order key as an engineer and agree as an officer; return a secret we made."""
    sync_roles(now=NOW)
    new = NewKey(casino.provider.pk, kid, secret, NOW, None, end_others_at, purpose="orders")
    made = key_proposals.propose_provider_key(
        new, acting_user=make_user(roles=(Role.INTEGRATION_ENGINEER,)), reason=WHY, now=NOW
    )
    approval = Approval.objects.get(pk=made.approval_id)
    assert approval.title == f"Sign transfer orders to Aurora with the key {kid}"
    assert kid not in [key.kid for key in order_keys(casino.provider.pk, now=NOW)]
    officer = make_user(roles=(Role.COMPLIANCE_OFFICER,))
    approve(approval_id=approval.pk, user=officer, reason="Seen.", now=NOW)
    return made.secret


def test_an_order_is_signed_with_the_order_key_and_not_with_the_callback_key(
    there: Casino, game_wallet: GameWallet
) -> None:
    give_order_key(there.provider)
    assert pursue_transfer(transfer_in(order(there), now=NOW).id, now=NOW)
    assert game_wallet.unsigned == 0
    game_wallet.secret = SECRET
    assert pursue_transfer(transfer_out(order(there, "k-2"), now=NOW).id, now=NOW)
    assert game_wallet.unsigned == 1


@pytest.mark.parametrize(("secret", "is_believed"), [(SECRET, True), (ORDER_SECRET, False)])
def test_a_callback_is_believed_by_the_callback_key_alone(
    there: Casino, secret: bytes, is_believed: bool
) -> None:
    give_order_key(there.provider)
    body = there.body(there.event("e-1"))
    headers = signed_headers(body, secret=secret)
    request = CallbackRequest("POST", "rounds", "", headers, body, NOW)
    if is_believed:
        assert read_callback(there.profile, request, now=NOW).key_id == "k-1"
        return
    with pytest.raises(UnauthenticatedError):
        read_callback(there.profile, request, now=NOW)


def test_without_an_order_key_no_money_is_moved(there: Casino) -> None:
    before = everything()
    with pytest.raises(NoOrderKeyError, match="purpose orders"):
        transfer_in(order(there), now=NOW)
    assert everything() == before
    assert not GameTransfer.objects.exists()


def test_a_key_revoked_after_the_order_was_taken_leaves_it_unresolved(
    there: Casino, game_wallet: GameWallet
) -> None:
    key = give_order_key(there.provider)
    asked = transfer_in(order(there), now=NOW)
    keys.revoke_provider_key(key_id=key.pk, acting_user=make_user(), reason="leaked", now=NOW)
    assert not pursue_transfer(asked.id, now=NOW)
    found = GameTransfer.objects.get()
    assert (found.state, found.last_error[:12]) == ("unresolved", "no_order_key")
    assert game_wallet.asked == []


def test_two_people_bring_an_order_key_in_and_old_and_new_overlap(
    there: Casino, game_wallet: GameWallet
) -> None:
    give_order_key(there.provider)
    propose_and_agree(there, "o-2", end_others_at=later(3_600))
    assert [key.kid for key in order_keys(there.provider.pk, now=NOW)] == ["o-1", "o-2"]
    new = order_keys(there.provider.pk, now=NOW)[1].secret
    for key, secret in (("k-1", ORDER_SECRET), ("k-2", new)):
        game_wallet.secret = secret
        assert pursue_transfer(transfer_in(order(there, key), now=NOW).id, now=NOW)
    assert game_wallet.unsigned == 0
    after = later(3_601)
    assert [key.kid for key in order_keys(there.provider.pk, now=after)] == ["o-2"]
    assert [key.kid for key in there.profile.keys] == ["k-1"]
    assert ProviderKey.objects.get(kid="k-1").not_after is None


def test_a_made_secret_is_one_for_orders_whatever_the_protocol(casino: Casino) -> None:
    Provider.objects.update(protocol="hub88")
    assert propose_and_agree(casino, "o-1").startswith("whsec_")


@pytest.mark.parametrize("secret", [SECRET_TEXT, "plain text of any length you like"])
def test_a_secret_that_callbacks_know_or_of_another_form_is_refused(
    casino: Casino, secret: str
) -> None:
    new = NewKey(casino.provider.pk, "o-1", secret, NOW, None, None, purpose="orders")
    with pytest.raises(InvalidSecretError):
        key_proposals.propose_provider_key(new, acting_user=make_user(), reason=WHY, now=NOW)
    assert ProviderKey.objects.count() == 1


def test_who_looks_for_callback_keys_finds_no_order_key(casino: Casino) -> None:
    give_order_key(casino.provider)
    assert [key.kid for key in casino.profile.keys] == ["k-1"]
    assert [key.kid for key in keys_of(casino.provider.pk)] == ["k-1"]
    assert signing_secrets(casino.provider.pk) == (SECRET,)


def test_the_database_knows_two_purposes_and_lets_no_key_change_its_own(casino: Casino) -> None:
    with pytest.raises(IntegrityError, match="purpose_is_known"), transaction.atomic():
        give_key(casino.provider, kid="k-3", secret=ORDER_SECRET_TEXT, purpose="both")
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        ProviderKey.objects.update(purpose="orders")
    assert list(ProviderKey.objects.values_list("kid", "purpose")) == [("k-1", "callbacks")]


def test_providers_that_took_transfers_go_on_with_the_secret_they_know(casino: Casino) -> None:
    Provider.objects.update(transfer_url="https://wallet.example")
    hashed, public = make_provider("hashed"), make_provider("public")
    quiet = make_provider("quiet")
    Provider.objects.exclude(pk=quiet.pk).update(transfer_url="https://wallet.example")
    Provider.objects.filter(pk=hashed.pk).update(protocol="swipe")
    Provider.objects.filter(pk=public.pk).update(protocol="hub88")
    text = "sixteen and more characters"
    give_key(hashed, secret=text)
    give_key(public, secret="-----BEGIN PUBLIC KEY-----")
    give_key(quiet)
    ProviderKey.objects.filter(provider=hashed).update(not_after=NOW + timedelta(days=9))
    migration = import_module("apps.providers.migrations.0014_orders_keep_their_secret")
    for _ in range(2):
        migration.keep(apps, None)
    found = {one.provider.code: one for one in ProviderKey.objects.filter(purpose="orders")}
    assert set(found) == {"aurora", "hashed"}
    assert [key.secret for key in order_keys(casino.provider.pk, now=NOW)] == [SECRET]
    assert [key.secret for key in order_keys(hashed.pk, now=NOW)] == [text.encode()]
    assert found["hashed"].not_after == NOW + timedelta(days=9)
    migration.drop(apps, None)
    assert set(ProviderKey.objects.values_list("purpose", flat=True)) == {"callbacks"}


def test_the_page_asks_for_the_purpose_and_the_provider_says_what_is_missing(
    client: Client, there: Casino
) -> None:
    sync_roles(now=NOW)
    client.force_login(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    page = reverse("admin:providers_provider_change", args=[there.provider.pk])
    assert "No key for orders is in force" in client.get(page).content.decode()
    form = {"provider": there.provider.pk, "purpose": "orders", "kid": "o-9", "reason": WHY}
    answer = client.post(reverse("admin:providers_providerkey_add"), form).content.decode()
    assert "we sign nothing with it" in answer
    assert ProviderKey.objects.get(kid="o-9").purpose == "orders"
    listing = reverse("admin:providers_providerkey_changelist") + "?purpose=orders"
    listed = client.get(listing).content.decode()
    assert "o-9" in listed
    assert ">k-1<" not in listed
