from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.operator_api.api.answers import DraftAnswer
from apps.operator_api.api.parsing import UploadParser
from apps.operator_api.api.requests import DocumentRequest
from apps.operator_api.api.schema import documented
from apps.operator_api.api.views.base import OperatorView
from apps.operator_api.enums import Scope
from apps.providers.enums import Door
from apps.providers.pdf.vetting import PdfVetter
from apps.providers.services.drafts import Upload, draft_facts, open_draft
from apps.providers.services.intake import Sender


class CertificatesView(OperatorView):
    """A document in, a draft out: what a machine sends proves nothing until a person confirms."""

    scope = Scope.CERTIFICATES_WRITE
    parser_classes = [UploadParser]

    @documented(
        "upload_certificate",
        Scope.CERTIFICATES_WRITE,
        {200: DraftAnswer, 201: DraftAnswer},
        refusals=(400, 409, 413, 415, 503),
        request={"multipart/form-data": DocumentRequest},
        summary="Hand in a certificate document for review; the same bytes get the same draft",
    )
    def post(self, request: Request) -> Response:
        document = _only_document(request)
        with PdfVetter() as vetter:
            sender = Sender(Door.API, None, self.now, vetter, self.client.client_name)
            upload = Upload(document.read(), document.name or "unnamed")
            opened = open_draft(upload, sender)
        answer = DraftAnswer(draft_facts(opened.draft)).data
        created = status.HTTP_201_CREATED if opened.is_new else status.HTTP_200_OK
        return Response(answer, status=created)


def _only_document(request: Request) -> "UploadedFile[bytes]":
    """Return the one file sent; anything else in the form is named and refused."""
    sent: Any = request.data
    unknown = sorted(set(sent) - {"document"})
    if unknown:
        raise serializers.ValidationError(
            {f"{name:.60}": ["There is no such field."] for name in unknown}, "unknown"
        )
    document = sent.get("document")
    if not isinstance(document, UploadedFile) or len(sent.getlist("document")) != 1:
        raise serializers.ValidationError({"document": ["Send one file."]}, "required")
    return document
