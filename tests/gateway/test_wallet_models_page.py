"""The pages about wallet models: figures, not praise, and a next step for who may take one."""

import pytest
from django.test import Client

from apps.gateway.services.sub_wallets import MoneyOrder, fund_sub_wallet
from apps.gateway.services.wallet_audit import audit_wallets
from apps.providers.models import Provider
from apps.reports.wallet_models import played_providers
from apps.staff.models import Approval
from apps.wallet.contracts import TransferOrder
from apps.wallet.models import AuditFinding
from apps.wallet.services.game_transfers import request_transfer
from tests.factories import make_user
from tests.forms import assert_kept
from tests.gateway.builders import NOW, Casino, later
from tests.gateway.operations_makers import ask_one, speak_iplaygames, stake

PAGE = "/admin/reports/walletmodelcomparison/"
VIEW = (
    "reports.view_walletmodelcomparison",
    "wallet.view_auditfinding",
    "wallet.view_gametransfer",
    "wallet.view_walletaudit",
)


def client_with(*permissions: str) -> Client:
    client = Client()
    client.force_login(make_user(permissions=(*VIEW, *permissions)))
    return client


@pytest.fixture
def drifting(casino: Casino) -> Casino:
    casino.provider.wallet_model = "sub_wallet"
    casino.provider.save()
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 1_000, "AUD", "k"), now=NOW)
    casino.now = later(10)
    casino.send(
        casino.event(
            "e-1",
            bet_amount="1.00",
            win_amount="0.00",
            balance_before="10.00",
            balance_after="9.50",
        )
    )
    audit_wallets("aurora", now=later(20))
    return casino


def test_the_three_models_stand_side_by_side_with_what_is_open(drifting: Casino) -> None:
    text = client_with().get(PAGE).content.decode()
    for words in ("Hold on our ledger", "Sub-wallet per provider", "Transfer to the provider"):
        assert words in text
    assert "9.00" in text
    assert "1 compared, 0 unheard" in text
    assert "Change model" not in text


def test_a_person_with_the_right_asks_for_another_model_and_hears_why_not(
    drifting: Casino,
) -> None:
    client = client_with("wallet.request_play_model")
    assert "Change model" in client.get(PAGE).content.decode()
    form = {"wallet_model": "transfer", "reason": "the provider asks for it"}
    refused = client.post(f"{PAGE}aurora/ask/", form)
    assert_kept(refused, form, beside="wallet_model", says="Open at aurora: 9.00 AUD sub (1x)")
    assert not Approval.objects.exists()
    assert client.post(f"{PAGE}nobody/ask/", form).status_code == 404
    assert client_with().post(f"{PAGE}aurora/ask/", form).status_code == 403


def test_asking_makes_an_approval(casino: Casino) -> None:
    client = client_with("wallet.request_play_model")
    form = {"wallet_model": "sub_wallet", "reason": "stakes must be instant"}
    answer = client.post(f"{PAGE}aurora/ask/", form, follow=True).content.decode()
    assert f"Approval {Approval.objects.get().pk} awaits a second person." in answer


def test_a_finding_shows_both_figures_and_is_explained_with_words(drifting: Casino) -> None:
    finding = AuditFinding.objects.get()
    page = f"/admin/wallet/auditfinding/{finding.pk}/"
    client = client_with("wallet.explain_auditfinding")
    text = client.get(f"{page}change/").content.decode()
    assert "9.00" in text
    assert "9.50" in text
    assert client.get("/admin/wallet/auditfinding/").status_code == 200
    assert client_with().post(f"{page}do/explain/", {"reason": "rounding there"}).status_code == 403
    client.post(f"{page}do/explain/", {"reason": "they paid a jackpot twice"})
    finding.refresh_from_db()
    assert (finding.state, finding.explanation) == ("explained", "they paid a jackpot twice")
    again = client.post(f"{page}do/explain/", {"reason": "once more"}, follow=True)
    assert "explained already" in again.content.decode()


def test_an_audit_leads_to_what_it_found_and_back(drifting: Casino) -> None:
    finding = AuditFinding.objects.get()
    client = client_with("wallet.view_transfer")
    page = client.get(f"/admin/wallet/walletaudit/{finding.audit_id}/change/")
    (panel,) = page.context["panels"]
    assert panel.tone == "danger"
    (row,) = panel.rows
    assert f'href="/admin/wallet/auditfinding/{finding.pk}/change/"' in row[0]
    assert [cell for cell in ("9.00 AUD", "9.50 AUD", "0.50 AUD") if cell in "".join(row)] == [
        "9.00 AUD",
        "9.50 AUD",
        "0.50 AUD",
    ]
    text = client.get(f"/admin/wallet/auditfinding/{finding.pk}/change/").content.decode()
    assert f'href="/admin/wallet/walletaudit/{finding.audit_id}/change/"' in text
    moved = f"/admin/wallet/transfer/?q=aurora%3A{finding.event_id}"
    assert f'href="{moved}"' in text
    assert client.get(moved).context["cl"].result_count == 1


def test_a_transfer_shows_its_lines_and_may_be_asked_about(casino: Casino) -> None:
    order = TransferOrder(casino.player.pk, casino.provider.pk, "aurora", "in", 500, "k")
    transfer = request_transfer(order, now=NOW)
    page = f"/admin/wallet/gametransfer/{transfer.id}/"
    client = client_with("wallet.ask_gametransfer")
    text = client.get(f"{page}change/").content.decode()
    assert "p-1001 cash → in_transit:aurora" in text
    assert "Ask the provider now" in text
    asked = client.post(f"{page}do/ask/", {"reason": "the player waits"}, follow=True)
    assert "The provider is asked now" in asked.content.decode()
    assert client.get("/admin/wallet/gametransfer/?state=requested").status_code == 200


def test_audits_are_listed_also_where_they_found_nothing(casino: Casino) -> None:
    audit_wallets("aurora", now=NOW)
    assert "aurora" in client_with().get("/admin/wallet/walletaudit/").content.decode()


@pytest.mark.parametrize("closes_rounds", [True, False])
def test_a_provider_that_is_off_is_listed_while_a_round_of_it_is_open(
    casino: Casino, *, closes_rounds: bool
) -> None:
    if not closes_rounds:
        speak_iplaygames(casino)
    Provider.objects.update(wallet_model="sub_wallet")
    casino.provider.refresh_from_db()
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 400, "AUD", "k"), now=NOW)
    assert ask_one(casino, stake("e-1", 400))[0] == "accepted"
    Provider.objects.update(is_active=False)
    codes = [one.code for one in played_providers(NOW)]
    assert codes == (["aurora"] if closes_rounds else [])


def test_open_rounds_are_counted_with_a_link_to_them(casino: Casino) -> None:
    casino.provider.wallet_model = "sub_wallet"
    casino.provider.save()
    fund_sub_wallet(MoneyOrder(casino.player.pk, "aurora", 400, "AUD", "k"), now=NOW)
    staked = casino.tentative("e-1", bet_amount="4.00", win_amount="0.00")
    assert casino.send_one(staked)["status"] == "tentative"
    text = client_with("rounds.view_round").get(PAGE).content.decode()
    where = f"/admin/rounds/round/?provider_id={casino.provider.pk}&amp;state=open&amp;who=all"
    assert where in text
    assert "Rounds, open" in text
    form = client_with("wallet.request_play_model").get(f"{PAGE}aurora/ask/").content.decode()
    assert f'<a href="{PAGE}#money">Open now: 1 open round</a>' in form
