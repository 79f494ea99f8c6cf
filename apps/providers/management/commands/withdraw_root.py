from argparse import ArgumentParser
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.core.errors import DomainError
from apps.providers.enums import RootState
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.selectors.certificates import trusted_roots
from apps.providers.services.trust import Decision, decide_root, recheck_signatures


class Command(BaseCommand):
    help = (
        "Withdraws trust in a root at once, for when it leaked and no second officer is there to "
        "agree in the admin. The audit chain says that it was done here."
    )

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("fingerprint", metavar="SHA256", help="As the root's page shows it.")
        parser.add_argument("--reason", required=True, help="Why; kept for ever.")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        roots = trusted_roots(options["fingerprint"].replace(":", "").lower())
        if not roots:
            raise CommandError("No trusted root has this fingerprint.")
        decision = Decision(RootState.WITHDRAWN, options["reason"], now)
        with PdfVetter() as vetter:
            for root in roots:
                try:
                    decide_root(root_id=root.pk, decision=decision)
                except DomainError as error:
                    raise CommandError(str(error)) from error
                changes = recheck_signatures(lab_id=root.lab_id, vetter=vetter, now=now)
                self.stdout.write(
                    f"{root.subject} counts no more for {root.lab}; "
                    f"{len(changes)} signatures are judged differently now."
                )
