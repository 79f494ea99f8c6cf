"""What holds for every REST view until it says otherwise."""

from typing import TYPE_CHECKING, override

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # rest_framework.views reads its settings, and so this file, while it loads
    from rest_framework.views import APIView


class DenyAll(BasePermission):
    """A view that names no permission answers nobody."""

    @override
    def has_permission(self, request: Request, view: "APIView") -> bool:
        return False
