"""The role that serves adds to history and can't change it, whatever the triggers do."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from psycopg import sql

from apps.core.embedded.paths import APP_ROLE
from apps.core.errors import AppRoleError
from apps.core.services import TableRights, app_rights, grant_app_role, unsafe_connection
from apps.wallet.statements import ANNOUNCE_TRANSFERS

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not settings.PITBOSS_EMBEDDED_POSTGRES, reason="the embedded server makes the role"
    ),
]

# What is only ever added to. A table that gets such a guard, or loses it, must be named here.
ADD_ONLY = {
    "aml_accessentry",
    "aml_accessseal",
    "aml_note",
    "auditing_sample",
    "auditing_samplemember",
    "bonuses_historicalbonusrule",
    "bonuses_wageringreceipt",
    "compliance_historicaldeskduty",
    "compliance_renewalnote",
    "core_auditentry",
    "disputes_casecredit",
    "disputes_casenote",
    "django_admin_log",
    "integrity_accepteddigest",
    "integrity_digestreport",
    "integrity_historicalintegritypolicy",
    "integrity_measuredfile",
    "onboarding_acceptancerun",
    "onboarding_itemproof",
    "onboarding_retentionpromise",
    "operator_api_apiclient",
    "operator_api_idempotentrequest",
    "play_gameplaytoken",
    "players_exclusion",
    "players_historicallimit",
    "players_historicalplayer",
    "players_move",
    "players_protectioncheck",
    "players_realitycheck",
    "players_rulecheck",
    "promotions_historicalcampaign",
    "promotions_promotag",
    "providers_batchline",
    "providers_certificatefinding",
    "providers_certificateflag",
    "providers_certificategame",
    "providers_certificatejurisdiction",
    "providers_certificatertpvariant",
    "providers_certificatestandard",
    "providers_certifiedbuild",
    "providers_criticalfile",
    "providers_gamebuild",
    "providers_historicalcertificate",
    "providers_historicaldeployment",
    "providers_historicaldraftfield",
    "providers_historicalgame",
    "providers_historicalgateoverride",
    "providers_historicallab",
    "providers_historicallabaccreditation",
    "providers_historicalprovider",
    "providers_historicalproviderpolicy",
    "providers_historicalrtpvariant",
    "providers_historicaltrustedroot",
    "providers_supplierchange",
    "reconciliation_breakchange",
    "reconciliation_pulledpage",
    "reconciliation_reconciliationrun",
    "rounds_delivery",
    "rounds_delivery_default",
    "rounds_deliveryverdict",
    "rounds_eventattempt",
    "staff_auditorlookup",
    "staff_historicaluser",
    "wallet_ledgerseal",
    "wallet_transfer",
    "wallet_walletaudit",
}
TABLES = sorted(ADD_ONLY)
FIRST_COLUMN = """
SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0
    AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum LIMIT 1
"""


@pytest.fixture
def as_app(db: None) -> Iterator["psycopg.Connection[Any]"]:
    """Yield a connection of the application's own role to this test's database."""
    place = connection.settings_dict
    with psycopg.connect(
        host=place["HOST"],
        port=place["PORT"],
        dbname=place["NAME"],
        user=APP_ROLE,
        autocommit=True,
    ) as session:
        yield session


def refused(session: "psycopg.Connection[Any]", statement: str, table: str, column: str) -> None:
    query = sql.SQL(statement).format(t=sql.Identifier(table), c=sql.Identifier(column))
    with pytest.raises(psycopg.errors.InsufficientPrivilege), session.transaction():
        session.execute(query)


def test_what_is_only_added_to_is_exactly_this() -> None:
    found = {one.table for one in app_rights() if not one.update and one.insert}
    assert found == ADD_ONLY, "name the table in ADD_ONLY, or give it back its guard"
    assert TableRights("django_migrations", insert=False, update=False, delete=False) in (
        app_rights()
    )


@pytest.mark.parametrize("table", TABLES)
def test_the_application_can_not_change_history(
    as_app: "psycopg.Connection[Any]", table: str
) -> None:
    row = as_app.execute(FIRST_COLUMN, [table]).fetchone()
    assert row is not None
    for statement in (
        "UPDATE {t} SET {c} = {c}",
        "DELETE FROM {t}",
        "TRUNCATE {t} CASCADE",
        "MERGE INTO {t} a USING {t} b ON a.{c} = b.{c} WHEN MATCHED THEN DELETE",
        "SELECT 1 FROM {t} FOR UPDATE",
        "LOCK TABLE {t} IN SHARE MODE",
        "ALTER TABLE {t} DISABLE TRIGGER ALL",
        "ALTER TABLE {t} ADD COLUMN extra int",
        "CREATE TRIGGER mine BEFORE INSERT ON {t} EXECUTE FUNCTION wallet_lock_transfers()",
        "DROP TABLE {t} CASCADE",
    ):
        refused(as_app, statement, table, row[0])


def test_no_setting_of_the_session_opens_the_ledger(as_app: "psycopg.Connection[Any]") -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_app.execute("SET session_replication_role = replica")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_app.execute("SELECT setval('wallet_transfer_id_seq', 1)")
    # The triggers' own switch is any session's to set; the missing grant refuses all the same.
    as_app.execute("SET pgtrigger.ignore = '{wallet_transfer:append_only}'")
    refused(as_app, "UPDATE {t} SET {c} = 1", "wallet_transfer", "amount_minor")
    refused(as_app, "DELETE FROM {t}", "core_auditentry", "id")
    for statement in (
        "CREATE TABLE mine (id int)",
        "SET ROLE pitboss",
        "ALTER ROLE pitboss_app SUPERUSER",
        "CREATE OR REPLACE FUNCTION wallet_lock_transfers() RETURNS void LANGUAGE sql AS ''",
        "DELETE FROM django_migrations",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now())",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_app.execute(sql.SQL(statement))


def test_the_application_reads_adds_and_seals(as_app: "psycopg.Connection[Any]") -> None:
    for table in TABLES:
        as_app.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(sql.Identifier(table)))
    with as_app.transaction():
        as_app.execute("SELECT wallet_lock_transfers()")
        as_app.execute(ANNOUNCE_TRANSFERS)
        as_app.execute("SELECT nextval('wallet_transfer_id_seq')")


def test_a_deployed_database_grants_exactly_this() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, array_agg(privilege_type::text ORDER BY privilege_type::text)"
            " FROM information_schema.role_table_grants"
            " WHERE grantee = %s AND table_schema = current_schema() GROUP BY table_name",
            [APP_ROLE],
        )
        granted = dict(cursor.fetchall())
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = %s", [APP_ROLE]
        )
        (owned,) = cursor.fetchone()
        cursor.execute(
            "SELECT table_name FROM information_schema.role_table_grants"
            " WHERE grantee = 'PUBLIC' AND table_schema = current_schema()"
        )
        to_everybody = cursor.fetchall()
    assert owned == 0
    assert to_everybody == []
    assert granted == {one.table: sorted(one.verbs) for one in app_rights()}
    assert granted["wallet_transfer"] == ["INSERT", "SELECT"]
    assert granted["wallet_account"] == ["INSERT", "SELECT", "UPDATE"]


def test_every_guard_fires_always() -> None:
    """Also in a session that plays a replica, which skips triggers that are only enabled."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger"
            " WHERE NOT tgisinternal AND tgenabled <> 'A' AND tgname LIKE 'pgtrigger_%'"
        )
        assert cursor.fetchall() == []


def test_granting_again_changes_nothing() -> None:
    first = grant_app_role(APP_ROLE)
    assert grant_app_role(APP_ROLE) == first
    out = StringIO()
    call_command("grant_app_role", stdout=out)
    assert "wallet_transfer: SELECT, INSERT\n" in out.getvalue()


@pytest.mark.parametrize(
    ("role", "complaint"),
    [("nobody_at_all", "There is no role"), ("postgres", "superuser"), ("pitboss", "owns")],
)
def test_a_role_that_could_undo_the_guards_is_refused(role: str, complaint: str) -> None:
    with pytest.raises(AppRoleError, match=complaint):
        grant_app_role(role)
    with pytest.raises(CommandError, match=complaint):
        call_command("grant_app_role", "--role", role)


def test_the_owner_is_no_connection_to_serve_with() -> None:
    problems = unsafe_connection()
    assert any("owns" in problem for problem in problems)
    assert any("may change what is only added to" in problem for problem in problems)
