"""``manage.py verify_ledger``: fold everything and prove it, or say what is wrong."""

import json
from dataclasses import asdict
from typing import Any, override

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from apps.core.services.audit import verify_audit_chain
from apps.gateway.services.holds import holds_out_of_step, transit_out_of_step
from apps.wallet.selectors import is_all_sealed
from apps.wallet.services.proof import seal_transfers, verify_ledger


class Command(BaseCommand):
    help = (
        "Fold every transfer; check balances, holds, sums per currency, seals and the audit chain."
    )

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
        parser.add_argument("--seal", action="store_true", help="seal what is new first")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["seal"] and seal_transfers(now=timezone.now()) is None and not is_all_sealed():
            self.stderr.write(
                "Nothing new is sealed: somebody writes transfers for longer than play may wait. "
                "Ask again; the worker does so every minute."
            )
        ledger = verify_ledger()
        chain = verify_audit_chain()
        problems = [*ledger.problems, *holds_out_of_step(), *transit_out_of_step()]
        if not chain.holds:
            problems.append(f"The audit chain breaks at entry {chain.first_bad_id}: {chain.why}.")
        if options["json"]:
            facts = {**asdict(ledger), "audit_entries": chain.entries, "problems": problems}
            self.stdout.write(json.dumps({"holds": not problems, **facts}))
        else:
            self._print(problems, ledger.transfers, ledger.accounts, ledger.seals, chain.entries)
        if problems:
            raise SystemExit(1)

    def _print(
        self, problems: list[str], transfers: int, accounts: int, seals: int, entries: int
    ) -> None:
        self.stdout.write(
            f"{transfers} transfers over {accounts} accounts, {seals} seals, "
            f"{entries} audit entries."
        )
        for problem in problems:
            self.stdout.write(self.style.ERROR(f"  {problem}"))
        if not problems:
            self.stdout.write(
                self.style.SUCCESS(
                    "The ledger holds: balances equal their transfers, held stakes and pending "
                    "wins equal the open rounds, money in transit equals the open transfers, "
                    "every currency sums to zero, seals and audit chain verify."
                )
            )
