from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from apps.play.selectors import jwks


@require_safe
@cache_control(public=True, max_age=60)
def published_keys(_request: HttpRequest) -> JsonResponse:
    """Publish the public keys that gameplay tokens are signed with (RFC 7517)."""
    return JsonResponse({"keys": jwks(timezone.now())})
