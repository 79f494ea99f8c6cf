from dataclasses import asdict

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.integrity.enums import ReportSource
from apps.integrity.reading import report_of
from apps.integrity.services.reports import take_report
from apps.operator_api.api.answers import DigestReportAnswer
from apps.operator_api.api.requests import DigestReportRequest
from apps.operator_api.api.schema import documented
from apps.operator_api.api.views.base import OperatorView, checked
from apps.operator_api.enums import Scope


class DigestReportsView(OperatorView):
    scope = Scope.INTEGRITY_WRITE

    @documented(
        "report_digests",
        Scope.INTEGRITY_WRITE,
        {200: DigestReportAnswer, 201: DigestReportAnswer},
        refusals=(400, 404, 409, 413, 415),
        request=DigestReportRequest,
        summary="Report the digests that a game server measured; compared with those certified",
    )
    def post(self, request: Request) -> Response:
        wanted = checked(DigestReportRequest, request.data)
        measured = report_of(
            wanted["report_id"],
            wanted["measured_at"].isoformat(),
            [dict(file) for file in wanted["files"]],
        )
        outcome = take_report(
            wanted["provider"],
            measured,
            source=ReportSource.API,
            received_from=self.client.client_name,
            now=self.now,
        )
        code = status.HTTP_201_CREATED if outcome.is_new else status.HTTP_200_OK
        return Response(DigestReportAnswer(asdict(outcome)).data, status=code)
