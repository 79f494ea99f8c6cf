from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from apps.core.models import AuditEntry, OutboxMessage
from apps.staff import approvals, services
from apps.staff.admin.approvals import payload_table
from apps.staff.approvals import register_approval
from apps.staff.enums import Role
from apps.staff.errors import UnknownPermissionError, UnknownRoleError
from apps.staff.models import Approval, User
from tests.factories import make_user

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
KIND = "test.credit"


@pytest.fixture
def kind() -> Iterator[str]:
    register_approval(
        KIND,
        permission="core.requeue_outboxmessage",
        asking="core.view_outboxmessage",
        handler=lambda grant: {"done_for": grant.subject},
        label="Test credit",
    )
    yield KIND
    del approvals._KINDS[KIND]


@pytest.fixture
def approval(kind: str) -> Approval:
    return services.request_approval(
        kind=kind,
        subject="case:7",
        title="Credit 12.50 AUD",
        payload={"amount_minor": 1250, "currency": "AUD", "note": "<script>alert(1)</script>"},
        requested_by=make_user("asker", permissions=("staff.view_approval",)),
        reason="Settled twice.",
        now=NOW,
    )


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def decider() -> User:
    return make_user(permissions=("staff.view_approval", "core.requeue_outboxmessage"))


def do_url(approval: Approval, name: str) -> str:
    return reverse("admin:staff_approval_do", args=[approval.pk, name])


@pytest.mark.django_db
def test_the_approver_sees_the_whole_content_escaped_with_hash_and_reason(
    approval: Approval, settings: Any
) -> None:
    settings.PITBOSS_APPROVAL_DAYS = 14
    page = client_of(decider()).get(reverse("admin:staff_approval_change", args=[approval.pk]))
    text = page.content.decode()
    assert "12.50 AUD (1250 minor units)" in text
    assert approval.payload_hash in text
    assert "Settled twice." in text
    assert "2026-12-06 10:00:00 UTC" in text  # 14 days after it was asked
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text
    assert do_url(approval, "approve") in text
    assert do_url(approval, "cancel") not in text


def test_a_moment_is_read_in_utc_and_what_only_looks_like_one_stays() -> None:
    shown = payload_table(
        {"ends_at": "2026-11-30T14:25:32.566509+01:00", "note": "2026-11-30T14 or so"}
    )
    assert "<td>2026-11-30 13:25:32 UTC</td>" in shown
    assert "<td>2026-11-30T14 or so</td>" in shown


@pytest.mark.django_db
def test_the_requester_sees_cancel_and_not_approve(approval: Approval) -> None:
    page = client_of(approval.requested_by).get(
        reverse("admin:staff_approval_change", args=[approval.pk])
    )
    text = page.content.decode()
    assert do_url(approval, "approve") not in text
    assert do_url(approval, "cancel") in text


@pytest.mark.django_db
def test_approving_with_a_reason_executes_and_says_so(approval: Approval) -> None:
    client = client_of(decider())
    assert client.get(do_url(approval, "approve")).status_code == 200
    page = client.post(do_url(approval, "approve"), {"reason": "Checked the round."}, follow=True)
    assert "Approved and executed." in page.content.decode()
    approval.refresh_from_db()
    assert (approval.state, approval.result) == ("executed", {"done_for": "case:7"})


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["", "   ", "no", "x" * 1001, "nul\x00nul"])
def test_without_a_usable_reason_nothing_happens(approval: Approval, reason: str) -> None:
    page = client_of(decider()).post(do_url(approval, "approve"), {"reason": reason})
    assert page.status_code == 200
    approval.refresh_from_db()
    assert approval.state == "pending"


@pytest.mark.django_db
def test_a_refusal_is_a_message_and_never_a_crash(approval: Approval) -> None:
    approval.requested_by.user_permissions.set(decider().user_permissions.all())
    page = client_of(User.objects.get(username="asker")).post(
        do_url(approval, "approve"), {"reason": "I approve of myself."}, follow=True
    )
    assert page.status_code == 200
    assert "somebody else must decide" in page.content.decode()
    approval.refresh_from_db()
    assert approval.state == "pending"


@pytest.mark.django_db
def test_a_person_without_the_view_permission_gets_nothing(approval: Approval) -> None:
    client = client_of(make_user())
    assert client.get(reverse("admin:staff_approval_changelist")).status_code == 403
    assert client.get(do_url(approval, "approve")).status_code == 403
    posted = client.post(do_url(approval, "approve"), {"reason": "Let me in."})
    assert posted.status_code == 403
    approval.refresh_from_db()
    assert approval.state == "pending"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["nothing", "delete"])
def test_an_action_that_does_not_exist_is_not_found(approval: Approval, name: str) -> None:
    assert client_of(decider()).post(do_url(approval, name)).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
def test_approvals_are_neither_added_nor_deleted_by_hand(approval: Approval, path: str) -> None:
    root = User.objects.create_superuser("root", password="x")
    url = reverse("admin:staff_approval_changelist") + path.format(pk=approval.pk)
    assert client_of(root).post(url, {"post": "yes"}).status_code == 403
    assert Approval.objects.count() == 1


@pytest.mark.django_db
def test_a_change_form_posted_to_a_read_only_page_changes_nothing(approval: Approval) -> None:
    root = User.objects.create_superuser("root", password="x")
    url = reverse("admin:staff_approval_change", args=[approval.pk])
    assert client_of(root).post(url, {"state": "executed", "title": "x"}).status_code == 403
    approval.refresh_from_db()
    assert (approval.state, approval.title) == ("pending", "Credit 12.50 AUD")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    ["", "?state=pending", "?state=odd", "?kind=test.credit", "?q=case:7", "?q=%00", "?p=x"],
)
def test_the_list_of_approvals_opens_whatever_the_query(approval: Approval, query: str) -> None:
    page = client_of(decider()).get(reverse("admin:staff_approval_changelist") + query, follow=True)
    assert page.status_code == 200


@pytest.mark.django_db
def test_a_filter_by_a_field_of_a_related_person_is_refused(approval: Approval) -> None:
    page = client_of(decider()).get(
        reverse("admin:staff_approval_changelist") + "?requested_by__password__startswith=a"
    )
    assert page.status_code in {302, 400}


def user_form(user: User, **overrides: Any) -> dict[str, Any]:
    return {
        "username": user.username,
        "display_name": "",
        "first_name": "",
        "last_name": "",
        "email": "",
        "is_active": "on",
        "is_staff": "on",
        "_save": "Save",
        **overrides,
    }


@pytest.mark.django_db
def test_editing_a_person_needs_a_reason_that_lands_in_history_and_audit_chain() -> None:
    root, user = User.objects.create_superuser("root", password="x"), make_user("carl")
    client, url = client_of(root), reverse("admin:staff_user_change", args=[user.pk])
    assert client.get(url).status_code == 200

    refused = client.post(url, user_form(user, display_name="Carl"))
    assert refused.status_code == 200
    user.refresh_from_db()
    assert user.display_name == ""
    assert not AuditEntry.objects.exists()

    done = client.post(url, user_form(user, display_name="Carl", change_reason="Asked for it."))
    assert done.status_code == 302
    user.refresh_from_db()
    assert user.display_name == "Carl"
    version = user.history.first()
    assert (version.history_change_reason, version.history_user) == ("Asked for it.", root)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.reason, entry.actor_id) == (
        "staff.user.changed",
        "Asked for it.",
        root.pk,
    )
    assert entry.details == {"fields": ["display_name"]}


@pytest.mark.django_db
def test_an_old_version_can_be_read_and_not_restored() -> None:
    root, user = User.objects.create_superuser("root", password="x"), make_user("carl")
    client, version = client_of(root), user.history.first()
    url = reverse("admin:staff_user_simple_history", args=[user.pk, version.pk])
    assert client.get(reverse("admin:staff_user_history", args=[user.pk])).status_code == 200
    assert client.get(url).status_code == 200
    assert client.post(url, user_form(user, display_name="Back")).status_code == 403
    user.refresh_from_db()
    assert user.display_name == ""


@pytest.mark.django_db
def test_a_person_is_added_with_a_reason() -> None:
    client, url = (
        client_of(User.objects.create_superuser("root", password="x")),
        reverse("admin:staff_user_add"),
    )
    assert client.get(url).status_code == 200
    form = {
        "username": "new",
        "display_name": "New",
        "email": "new@desk.invalid",
        "usable_password": "true",
        "password1": "a long enough passphrase",
        "password2": "a long enough passphrase",
    }
    assert client.post(url, form).status_code == 200
    assert not User.objects.filter(username="new").exists()
    assert client.post(url, {**form, "change_reason": "Joined today."}).status_code == 302
    new = User.objects.get(username="new")
    assert new.email == "new@desk.invalid"
    assert new.history.first().history_change_reason == "Joined today."


@pytest.mark.django_db
def test_a_person_added_with_a_role_signs_in_and_finds_that_roles_home() -> None:
    services.sync_roles(now=NOW)
    root = client_of(User.objects.create_superuser("root", password="x"))
    role = Group.objects.get(name=Role.FINANCE_ANALYST)
    form = {
        "username": "fin",
        "display_name": "Fin",
        "usable_password": "true",
        "password1": "a long enough passphrase",
        "password2": "a long enough passphrase",
        "groups": [role.pk],
        "change_reason": "Joined today.",
    }
    assert root.post(reverse("admin:staff_user_add"), form).status_code == 302
    person = Client()
    sent = {"login": "fin", "password": "a long enough passphrase"}
    assert person.post("/admin/login/", sent)["Location"] == "/admin/"
    home = person.get("/admin/").content.decode()
    assert "Good to see you, Fin" in home
    assert "Open breaks by provider and day" in home


@pytest.mark.django_db
def test_only_a_superuser_gives_roles_and_superuser_rights() -> None:
    Group.objects.create(name=Role.AUDITOR)
    editor = make_user(permissions=("staff.change_user", "staff.view_user"))
    url = reverse("admin:staff_user_change", args=[editor.pk])
    form = user_form(
        editor, is_superuser="on", groups=[Group.objects.get().pk], change_reason="Promote me."
    )
    client_of(editor).post(url, form)
    editor.refresh_from_db()
    assert not editor.is_superuser
    assert not editor.groups.exists()


@pytest.mark.django_db
def test_a_parked_message_is_requeued_from_its_page() -> None:
    message = OutboxMessage.objects.create(
        topic="t", task="x", payload={}, created_at=NOW, next_attempt_at=NOW, parked_at=NOW
    )
    user = make_user(permissions=("core.view_outboxmessage", "core.requeue_outboxmessage"))
    client = client_of(user)
    url = reverse("admin:core_outboxmessage_do", args=[message.pk, "requeue"])
    listing = reverse("admin:core_outboxmessage_changelist")
    assert client.get(listing + "?state=parked").status_code == 200
    assert client.get(listing + "?q=not-a-number").status_code == 200
    assert client.get(listing + f"?q={10**30}").status_code == 200
    page = client.post(url, {"reason": "The bug is fixed."}, follow=True)
    assert "Queued again" in page.content.decode()
    again = client.post(url, {"reason": "Once more, please."}, follow=True)
    assert "is not parked" in again.content.decode()
    assert "Once more, please." in again.content.decode()  # what was typed is kept in the form
    assert again.redirect_chain == []
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_the_auditor_reads_the_trail_and_changes_nothing() -> None:
    call_command("seed_roles", verbosity=0)
    auditor = make_user(roles=(Role.AUDITOR,))
    client = client_of(auditor)
    entry = AuditEntry.objects.get()
    for url in (
        reverse("admin:index"),
        reverse("admin:core_auditentry_changelist"),
        reverse("admin:core_auditentry_change", args=[entry.pk]),
        reverse("admin:core_outboxmessage_changelist"),
        reverse("admin:staff_user_changelist"),
        reverse("admin:auth_group_changelist"),
    ):
        assert client.get(url).status_code == 200
    change = reverse("admin:staff_user_change", args=[auditor.pk])
    assert client.post(change, user_form(auditor, change_reason="Let me.")).status_code == 403
    # Drawing a sample and taking an export add a record of what they did, and change nothing else.
    tools = {"auditing.add_sample", "auditing.add_export"}
    others = auditor.get_all_permissions() - tools
    assert {name.split(".")[1].split("_")[0] for name in others} <= {"view", "download", "unmask"}


@pytest.mark.django_db
def test_the_trail_says_deeds_in_words_and_finds_them_by_words_or_code() -> None:
    services.sync_roles(now=NOW)
    client, trail = client_of(make_user(roles=(Role.AUDITOR,))), "core_auditentry"
    listing = reverse(f"admin:{trail}_changelist")
    said = '<span title="staff.roles.synced">Roles applied</span>'
    for query in ("", "?q=staff.roles.synced", "?q=roles+APPLIED"):
        assert said in client.get(listing + query).content.decode(), query
    assert said not in client.get(listing + "?q=Bonus+given").content.decode()
    entry = AuditEntry.objects.get(action="staff.roles.synced")
    page = client.get(reverse(f"admin:{trail}_change", args=[entry.pk])).content.decode()
    assert said in page
    assert page.count("staff.roles.synced") > 1  # the code stands beside its words


@pytest.mark.django_db
def test_seeding_roles_twice_changes_nothing_the_second_time() -> None:
    first = services.sync_roles(now=NOW)
    second = services.sync_roles(now=NOW)
    assert sorted(first.created) == sorted(Role.values)
    assert (second.created, second.added, second.removed) == ([], 0, 0)
    assert AuditEntry.objects.count() == 1


@pytest.mark.django_db
def test_a_permission_taken_out_of_the_table_is_taken_from_the_role() -> None:
    empty: dict[str, list[str]] = {role: [] for role in Role.values}
    services.sync_roles({**empty, Role.AUDITOR: ["core.view_auditentry"]}, now=NOW)
    report = services.sync_roles(empty, now=NOW)
    assert (report.added, report.removed) == (0, 1)
    assert not Group.objects.get(name=Role.AUDITOR).permissions.exists()


@pytest.mark.django_db
def test_a_typo_in_the_table_is_refused_and_nothing_is_applied() -> None:
    empty: dict[str, list[str]] = {role: [] for role in Role.values}
    with pytest.raises(UnknownPermissionError):
        services.sync_roles({**empty, Role.AUDITOR: ["core.view_nothing"]}, now=NOW)
    with pytest.raises(UnknownRoleError):
        services.sync_roles({**empty, "Croupier": []}, now=NOW)
    assert not Group.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("role", Role.values)
def test_each_role_has_a_home_and_a_menu_of_what_it_may_open(role: str) -> None:
    services.sync_roles(now=NOW)
    client = client_of(make_user(roles=(role,)))
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    for group in page.context["sidebar_navigation"]:
        for item in group["items"]:
            assert client.get(item["link"]).status_code == 200, item["link"]


@pytest.mark.django_db
def test_the_home_shows_first_what_awaits_this_persons_decision(approval: Approval) -> None:
    page = client_of(decider()).get(reverse("admin:index"))
    first = page.context["cards"][0]
    assert (first.value, first.rows[0].title) == ("1", "Credit 12.50 AUD")
    own = client_of(approval.requested_by).get(reverse("admin:index"))
    assert "Nobody waits" not in own.content.decode()


@pytest.mark.django_db
def test_what_asks_for_nothing_stands_last_on_the_home(approval: Approval) -> None:
    services.sync_roles(now=NOW)
    page = client_of(make_user(roles=(Role.FINANCE_ANALYST,))).get(reverse("admin:index"))
    calm = [card.is_calm for card in page.context["cards"]]
    assert calm == sorted(calm)
    assert len(calm) > 1


@pytest.mark.django_db
def test_an_empty_list_says_what_that_means_and_a_search_without_result_that_it_found_none() -> (
    None
):
    services.sync_roles(now=NOW)
    auditor = client_of(make_user(roles=(Role.AUDITOR,)))
    page = reverse("admin:disputes_case_changelist")
    assert "No dispute is open." in auditor.get(page).content.decode()
    searched = auditor.get(page, {"q": "D-000009"}).content.decode()
    assert "Nothing matches" in searched
    assert "No dispute is open." not in searched


@pytest.mark.django_db
def test_a_person_without_a_role_is_told_what_to_do() -> None:
    page = client_of(make_user()).get(reverse("admin:index"))
    assert "Ask an administrator" in page.content.decode()


@pytest.mark.django_db
def test_a_stranger_is_sent_to_the_login() -> None:
    page = Client().get(reverse("admin:index"))
    assert page.status_code == 302
    assert "login" in page["Location"]


@pytest.mark.django_db
def test_a_closed_or_missing_page_says_so_and_leads_home() -> None:
    client = client_of(make_user())
    closed = client.get(reverse("admin:staff_approval_changelist"))
    assert (closed.status_code, "Not for your role" in closed.content.decode()) == (403, True)
    missing = client.get("/no/such/page/")
    assert (missing.status_code, 'href="/admin/"' in missing.content.decode()) == (404, True)


@pytest.mark.django_db
def test_the_name_of_a_row_keeps_its_letters_above_its_page() -> None:
    services.sync_roles(now=NOW)
    person = make_user("bo-0c5c")
    auditor = client_of(make_user(roles=(Role.AUDITOR,)))
    page = auditor.get(reverse("admin:staff_user_change", args=[person.pk])).content.decode()
    assert "bo-0c5c" in page
    assert "Bo-0c5c" not in page


@pytest.mark.django_db
def test_the_engineers_home_renews_its_cards_and_no_other_home_does() -> None:
    call_command("seed_roles", verbosity=0)
    engineer = client_of(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
    auditor = client_of(make_user(roles=(Role.AUDITOR,)))

    part = engineer.get("/admin/", headers={"X-Pitboss-Fragment": "1"}).content.decode()

    assert "data-pb-live " in engineer.get("/admin/").content.decode()
    assert part.strip().startswith('<div class="pb-cards">')
    assert "Parked events" in part
    assert "<html" not in part
    assert "data-pb-live " not in auditor.get("/admin/").content.decode()


@pytest.mark.django_db
def test_a_page_that_renews_itself_keeps_no_session_alive() -> None:
    call_command("seed_roles", verbosity=0)
    deliveries = reverse("admin:rounds_delivery_changelist")
    part = {"X-Pitboss-Fragment": "1"}
    with time_machine.travel(NOW, tick=False) as clock:
        client = client_of(make_user(roles=(Role.INTEGRATION_ENGINEER,)))
        client.get(deliveries)
        clock.shift(timedelta(minutes=20))
        assert client.get(deliveries, headers=part).status_code == 200
        clock.shift(timedelta(minutes=11))
        # 31 minutes after a person asked for something, 11 after the page did.
        assert client.get(deliveries, headers=part).status_code == 302
        assert client.get(deliveries)["Location"].startswith("/admin/login/")
