"""Flags from before they named the day of their end are about the day their certificate states."""

from datetime import date, datetime

import pytest
from django.db import connection

from apps.providers.models import Certificate, CertificateFlag, GameBuild, SupplierChange
from tests.factories import make_cover, make_game, make_provider
from tests.older_schema import schema_at

pytestmark = pytest.mark.django_db(transaction=True)

EXPIRY, REVIEW, CHANGE = date(2027, 2, 20), date(2026, 12, 1), date(2026, 12, 20)
OLD_FLAG = """
INSERT INTO providers_certificateflag (certificate_id, kind, threshold_days, flagged_on, created_at)
VALUES (%s, %s, %s, %s, %s)
"""


def test_each_flag_gets_the_day_of_its_own_end_and_no_other_one_any(now: datetime) -> None:
    game = make_game(make_provider())
    ends, other = make_cover(game, expires_on=EXPIRY), make_cover(game)
    builds = [
        GameBuild.objects.create(game=game, version=version, created_at=now)
        for version in ("1.0", "2.0")
    ]
    change = SupplierChange.objects.create(
        from_build=builds[0],
        to_build=builds[1],
        classification="major",
        rationale="The RNG is another.",
        decided_at=now,
    )
    Certificate.objects.filter(pk=ends.pk).update(
        review_due_on=REVIEW, invalidated_on=CHANGE, invalidated_by=change
    )
    old = [
        (ends.pk, "expiring", 90),
        (ends.pk, "expiring", 60),
        (ends.pk, "expired", None),
        (ends.pk, "review_due", 30),
        (ends.pk, "invalidating", 7),
        (ends.pk, "invalidated", None),
        (ends.pk, "superseded", None),
        (other.pk, "expiring", 90),
        (other.pk, "invalid_signature", None),
    ]
    with schema_at("providers", "0028_ends_by_a_change"), connection.cursor() as cursor:
        for certificate_id, kind, days in old:
            cursor.execute(OLD_FLAG, [certificate_id, kind, days, now.date(), now])
    facts = ("certificate_id", "kind", "threshold_days", "ends_on")
    assert list(CertificateFlag.objects.order_by("pk").values_list(*facts)) == [
        (*flag, day)
        for flag, day in zip(
            old,
            [EXPIRY, EXPIRY, EXPIRY, REVIEW, CHANGE, CHANGE, None, other.expires_on, None],
            strict=True,
        )
    ]
