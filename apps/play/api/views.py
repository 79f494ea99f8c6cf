from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET, require_safe

from apps.play.errors import InvalidLaunchCodeError
from apps.play.selectors import jwks
from apps.play.services import exchange_launch_code


@require_safe
@cache_control(public=True, max_age=60)
def published_keys(_request: HttpRequest) -> JsonResponse:
    """Publish the public keys that gameplay tokens are signed with (RFC 7517)."""
    return JsonResponse({"keys": jwks(timezone.now())})


@require_GET
def launch(request: HttpRequest) -> HttpResponse:
    """Exchange the one-time code of a launch URL, once, and show that the game starts.

    HEAD is not answered: what only looks at a link must not use it up.
    """
    status, launched = 200, None
    try:
        launched = exchange_launch_code(request.GET.get("code", ""), now=timezone.now())
    except InvalidLaunchCodeError:
        status = 410
    response = render(request, "play/launch.html", {"launched": launched}, status=status)
    response["Cache-Control"] = "no-store"
    # The code must not travel on, used up as it is.
    response["Referrer-Policy"] = "no-referrer"
    return response
