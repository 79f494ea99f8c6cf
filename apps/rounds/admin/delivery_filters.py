"""The delivery log's filters: known choices, indexed where an index exists, bounded elsewhere."""

import re
from datetime import timedelta
from typing import Any, Final, override

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from apps.core.answer_codes import answer_words
from apps.providers.selectors.keys import key_choices
from apps.rounds.models import Delivery, DeliveryVerdict
from apps.rounds.panels import status_word
from apps.rounds.selectors import not_judged_in_time
from apps.rounds.traffic import newest_of

VERDICTS: Final = {
    "accepted": "Accepted",
    "repeat": "Repeat",
    "conflict": "Conflict",
    "refused": "Refused",
    "parked": "Parked",
    "waiting": "Waiting",
    "late": "Waiting for over a minute",
}
STATUSES: Final = {
    "accepted": ("accepted", "tentative"),
    "repeat": ("duplicate",),
    "conflict": ("conflict",),
    "refused": ("rejected",),
    "parked": ("parked",),
}
_ANSWER: Final = re.compile(r"[a-z_]{1,40}:[a-z_]{0,60}")
_HTTP: Final = (200, 400, 401, 402, 403, 404, 406, 409, 422, 500, 503)
WINDOWS: Final = {
    "15m": ("Last 15 minutes", timedelta(minutes=15)),
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
}


class _Filter(admin.SimpleListFilter):
    @override
    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        known = {str(key) for key, _ in self.lookup_choices}
        return self.narrowed(queryset, value) if value in known else queryset

    def narrowed(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        raise NotImplementedError


class WindowFilter(_Filter):
    """By our receipt; reads the index on received_at."""

    title = "received"
    parameter_name = "window"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in WINDOWS.items()]

    @override
    def narrowed(self, queryset: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        return queryset.filter(received_at__gte=timezone.now() - WINDOWS[value][1])


class VerdictFilter(_Filter):
    """By what became of any event of the delivery, among the newest deliveries."""

    title = "verdict (newest 20,000)"
    parameter_name = "verdict"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return list(VERDICTS.items())

    @override
    def narrowed(self, queryset: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        if value == "late":
            return not_judged_in_time(queryset, timezone.now())
        verdicts = DeliveryVerdict.objects.filter(delivery_id=OuterRef("pk"))
        newest = newest_of(queryset)
        if value == "waiting":
            return newest.filter(~Exists(verdicts))
        carries = Q.create(
            [("results__contains", [{"status": status}]) for status in STATUSES[value]],
            connector=Q.OR,
        )
        return newest.filter(Exists(verdicts.filter(carries)))


class HttpFilter(_Filter):
    title = "HTTP answered (newest 20,000)"
    parameter_name = "http"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return [(str(status), str(status)) for status in _HTTP]

    @override
    def narrowed(self, queryset: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        verdicts = DeliveryVerdict.objects.filter(delivery_id=OuterRef("pk"), http_status=value)
        return newest_of(queryset).filter(Exists(verdicts))


class KeyFilter(_Filter):
    title = "key used (newest 20,000)"
    parameter_name = "key_id"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        return key_choices()

    @override
    def narrowed(self, queryset: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        return newest_of(queryset).filter(key_id=value)


class AnswerFilter(_Filter):
    """By status and code of any answer; shown only where a link of provider health chose one."""

    title = "answer (newest 20,000)"
    parameter_name = "answer"

    @override
    def lookups(
        self, request: HttpRequest, model_admin: "admin.ModelAdmin[Any]"
    ) -> list[tuple[str, str]]:
        chosen = request.GET.get("answer", "")
        if not _ANSWER.fullmatch(chosen):
            return []
        status, _, code = chosen.partition(":")
        word = status_word(status)
        return [(chosen, f"{word}: {answer_words(code)}" if code else word)]

    @override
    def narrowed(self, queryset: QuerySet[Delivery], value: str) -> QuerySet[Delivery]:
        status, _, code = value.partition(":")
        verdicts = DeliveryVerdict.objects.filter(
            delivery_id=OuterRef("pk"),
            results__contains=[{"status": status, "code": code or None}],
        )
        return newest_of(queryset).filter(Exists(verdicts))
