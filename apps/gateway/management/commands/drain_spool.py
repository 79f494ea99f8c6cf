"""``manage.py drain_spool``: bring in what a gateway kept on disk, when no gateway does it."""

from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from apps.gateway.http.parking import Parking, spool_folder, spool_limits
from apps.gateway.http.spool import SpoolError, quarantine_of


class Command(BaseCommand):
    help = "Apply the deliveries that wait on disk, in order; safe to repeat."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        folder = spool_folder()
        parking = Parking(folder, spool_limits())
        try:
            parking.open()
            waiting = parking.depth
            parking.drain(seconds=None)
        except SpoolError as error:
            raise CommandError(
                f"{error}. A gateway that runs holds the spool and drains it by itself."
            ) from error
        except DatabaseError as error:
            raise CommandError(f"The database can't be used ({error}); all stays.") from error
        finally:
            parking.close()
        self.stdout.write(f"{waiting} deliveries brought in.")
        aside = len(list(quarantine_of(folder).glob("*.json")))
        if aside:
            raise CommandError(f"{aside} deliveries wait for a person in {quarantine_of(folder)}.")
