"""What a session proved, and when (allauth keeps the records, bound to the person)."""

import time
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.http import HttpRequest

from apps.staff import selectors


def gave_second_factor(request: HttpRequest) -> bool:
    return any(record["method"] == "mfa" for record in _records(request))


def is_enrolled(request: HttpRequest) -> bool:
    return selectors.second_factor_since(request.user.pk or 0) is not None


def proved_lately(request: HttpRequest) -> bool:
    """Tell whether the person proved themselves in the last minutes, with all that they have.

    Once an authenticator app is enrolled, only a code counts; before, the password does.
    """
    records = _records(request)
    if is_enrolled(request):
        records = [record for record in records if record["method"] == "mfa"]
    newest = max((record["at"] for record in records), default=0.0)
    return bool(time.time() - newest < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def _records(request: HttpRequest) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    return records
