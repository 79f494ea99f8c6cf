import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date
from itertools import groupby
from typing import Any, override

from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.providers.contracts import CertificateStanding
from apps.providers.services.check_certificates import (
    CertificateReport,
    check_certificates,
    days_left,
)

_NO_OFFERS = (
    "Coverage: unknown. No game is on offer anywhere; load the catalogue with load_provider first."
)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is not a date like 2026-11-22"
        raise ArgumentTypeError(message) from error


class Command(BaseCommand):
    help = (
        "Flags certificates that are expired, expiring (within 90 days), due for review, "
        "superseded or badly signed, and games on offer without cover. The daily task runs the "
        "same check."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--on",
            type=_day,
            metavar="DATE",
            help="The day to look at; today (UTC) by default. Another day is a what-if: it is "
            "reported, and no reminder is used up.",
        )
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")
        parser.add_argument(
            "--remarks",
            action="store_true",
            help="With --json: add 'remarks', what else a careful officer would ask about.",
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        today = now.astimezone(UTC).date()
        on: date = options["on"] or today
        report = check_certificates(on=on, now=now, is_recorded=on == today)
        if options["json"]:
            if not report.offers:
                # An empty list must not read as "all covered" where there is nothing to cover.
                self.stderr.write(_NO_OFFERS)
            remarks = [asdict(remark) for remark in report.remarks]
            extra = {"remarks": remarks} if options["remarks"] else {}
            self.stdout.write(json.dumps({**report.as_json(), **extra}, indent=2))
            return
        for line in _lines(report):
            self.stdout.write(line)


def _lines(report: CertificateReport) -> Iterator[str]:
    yield f"Certificates on {report.on}"
    yield from _section("Expired", report.expired, lambda c: f"valid through {c.expires_on}")
    yield from _section(
        "Expiring within 90 days",
        report.expiring,
        lambda c: f"valid through {c.expires_on}, {days_left(c.expires_on, report.on)} days left",
    )
    yield from _section(
        "Review due within 90 days",
        report.review_due,
        lambda c: f"due {c.review_due_on}, {days_left(c.review_due_on, report.on)} days left",
    )
    yield from _section("Superseded", report.superseded, lambda c: f"by revision {c.superseded_by}")
    yield from _section("Invalid signature", report.invalid_signature, lambda c: c.signature_detail)
    yield from _uncovered(report)
    if report.remarks:
        yield f"Worth a question ({len(report.remarks)}):"
    for remark in report.remarks:
        revision = "" if remark.revision is None else f" rev {remark.revision}"
        yield f"  {remark.report_number or 'all reports'}{revision}: {remark.text}"
    if report.new_flags:
        yield f"{report.new_flags} new flags were recorded."


def _section(title: str, items: list[CertificateStanding], describe: Any) -> Iterator[str]:
    yield f"{title}: {len(items) or 'none'}"
    for item in items:
        yield f"  {item.report_number} rev {item.revision} ({item.lab}): {describe(item)}"


def _uncovered(report: CertificateReport) -> Iterator[str]:
    if not report.offers:
        yield _NO_OFFERS
        return
    yield f"Without cover: {len(report.uncovered) or 'none'} of {report.offers} offers"
    for game, offers in groupby(report.uncovered, lambda u: (u.provider_code, u.game_code)):
        yield f"  {'/'.join(game)}: {', '.join(offer.jurisdiction for offer in offers)}"
