"""Fields that take exactly what the API says, where the framework would be obliging."""

from datetime import UTC, date, datetime
from typing import Any, Final, override

from django.core.validators import RegexValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.operator_api.api.parsing import is_text

REF: Final = r"^[A-Za-z0-9_.:~-]{1,128}\Z"
CODE: Final = r"^[a-z0-9][a-z0-9_-]{0,31}\Z"
JURISDICTION: Final = r"^[A-Z]{2}(-[A-Z]{2,4})?\Z"
CURRENCY: Final = r"^[A-Z]{3}\Z"
AMOUNT: Final = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?\Z"

_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


class Text(serializers.CharField):
    """A JSON string, taken as it is: no number, no boolean, nothing trimmed."""

    def __init__(self, *, pattern: str = "", **options: Any) -> None:
        options.setdefault("trim_whitespace", False)
        super().__init__(**options)
        if pattern:
            self.validators.append(RegexValidator(pattern, code="malformed"))

    @override
    def to_internal_value(self, data: Any) -> str:
        if not is_text(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(serializers.ChoiceField):
    """One of some JSON strings."""

    @override
    def to_internal_value(self, data: Any) -> Any:
        if not is_text(data):
            self.fail("invalid_choice", input="")
        return super().to_internal_value(data)


class Whole(serializers.IntegerField):
    """A JSON whole number; a text that looks like one isn't."""

    @override
    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field[datetime, str, str, Any]):
    """A moment with its zone, as RFC 3339 writes it."""

    default_error_messages = {
        "invalid": "Write a moment with its zone, such as 2026-11-22T10:15:30Z."
    }

    @override
    def to_internal_value(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(data if is_text(data) else "")
            if moment.tzinfo is None or "T" not in data.upper():
                self.fail("invalid")
            moment = moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")
        if not _EARLIEST <= moment < _LATEST:
            self.fail("invalid")
        return moment

    @override
    def to_representation(self, value: datetime) -> str:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@extend_schema_field(OpenApiTypes.DATE)
class Day(serializers.Field[date, str, str, Any]):
    """A calendar day, as RFC 3339 writes it."""

    default_error_messages = {"invalid": "Write a day such as 1990-05-17."}

    @override
    def to_internal_value(self, data: Any) -> date:
        try:
            day = datetime.strptime(data if is_text(data) else "", "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            self.fail("invalid")
        if len(data) != 10 or not 1900 <= day.year < 2200:
            self.fail("invalid")
        return day

    @override
    def to_representation(self, value: date) -> str:
        return value.isoformat()


class Strict(serializers.Serializer[Any]):
    """A JSON object with the named fields and no others: a typing error is not passed over."""

    default_error_messages = {"unknown": "There is no such field."}

    @override
    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                message = self.error_messages["unknown"]
                raise serializers.ValidationError({n: [message] for n in unknown[:20]}, "unknown")
        return super().to_internal_value(data)
