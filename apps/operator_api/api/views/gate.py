from rest_framework.request import Request
from rest_framework.response import Response

from apps.operator_api.api import rendering
from apps.operator_api.api.answers import CanServeAnswer
from apps.operator_api.api.requests import CanServeQuery
from apps.operator_api.api.schema import documented
from apps.operator_api.api.views.base import OperatorView, checked
from apps.operator_api.enums import Scope
from apps.play.services import can_serve
from apps.providers.selectors import games_by_code, provider_by_code


class CanServeView(OperatorView):
    scope = Scope.GATE_READ

    @documented(
        "can_serve",
        Scope.GATE_READ,
        {200: CanServeAnswer},
        refusals=(400, 404),
        parameters=[CanServeQuery],
        summary="Whether a game may be served in a jurisdiction, with every reason against it",
    )
    def get(self, request: Request) -> Response:
        wanted = checked(CanServeQuery, request.query_params.dict())
        provider_code, _, game_code = wanted["game"].partition(":")
        game = games_by_code(provider_by_code(provider_code).pk).get(game_code)
        at = wanted.get("at", self.now)
        answer = can_serve(
            game_id=0 if game is None else game.id,
            jurisdiction=wanted["jurisdiction"],
            at=at,
            build=wanted.get("build", ""),
            variant=wanted.get("variant", ""),
        )
        rendered = {
            "allowed": answer.allowed,
            "at": at,
            "builds": answer.builds,
            "variants": answer.variants,
            "reasons": [
                {
                    "code": reason.code,
                    "text": reason.text if game else f"There is no game {game_code}.",
                    "rule": reason.rule,
                }
                for reason in answer.reasons
            ],
            "remarks": [
                {"code": remark.code, "text": remark.text, "rule": remark.rule}
                for remark in answer.remarks
            ],
            "certificate": rendering.certificate(answer.certificate),
            "override": None
            if answer.override_id is None
            else {"id": answer.override_id, "ends_at": answer.override_ends_at},
        }
        return Response(CanServeAnswer(rendered).data)
