"""Liveness, readiness and metrics."""

import hmac

import structlog
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound, JsonResponse
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView
from redis.exceptions import RedisError

from apps.core.schema import SchemaWatch
from config.server_checks import server_problems

logger = structlog.get_logger(__name__)

_schema = SchemaWatch()
_LOOPBACK = {"127.0.0.1", "::1"}


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """200 while the process can answer at all."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 once the servers answer and fit the code; 503 names what does not, and what waits."""
    failing = [name for name, check in _CHECKS.items() if not check()]
    pending = [] if "database" in failing else _schema.pending()
    if pending:
        logger.warning("health.migrations.pending", pending=len(pending))
        failing.append("migrations")
    if failing:
        answer = {"status": "unavailable", "failing": failing}
        also = {"pending": pending} if pending else {}
        return JsonResponse({**answer, **also}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics, for whoever has the token; without one set, for this machine."""
    if not _may_read_metrics(request):
        return HttpResponseNotFound()
    answer: HttpResponse = ExportToDjangoView(request)
    return answer


def _may_read_metrics(request: HttpRequest) -> bool:
    token = settings.PITBOSS_METRICS_TOKEN
    if token is None:
        return request.META.get("REMOTE_ADDR") in _LOOPBACK
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        logger.warning("health.database.unavailable")
        return False
    return True


def _redis_answers() -> bool:
    try:
        cache.get("health")
    except (RedisError, OSError):
        logger.warning("health.redis.unavailable")
        return False
    return True


def _servers_are_safe() -> bool:
    return not settings.PITBOSS_REFUSE_UNSAFE_SERVERS or not server_problems()


_CHECKS = {"database": _database_answers, "redis": _redis_answers, "safety": _servers_are_safe}
