"""Asking for a file: the page says that it is too large before it is sent."""

from typing import TYPE_CHECKING, Final

from django.forms.widgets import Script

if TYPE_CHECKING:
    from django.forms import ClearableFileInput as _FileInput
else:
    from unfold.widgets import UnfoldAdminFileFieldWidget as _FileInput

UPLOAD_SCRIPT: Final = "pitboss/upload.js"


class UploadWidget(_FileInput):
    """A file field whose page knows how many bytes it takes."""

    class Media:
        js = [Script(UPLOAD_SCRIPT, defer=True)]

    def __init__(self, max_bytes: int, *, accept: str = "") -> None:
        attrs = {"data-max-bytes": str(max_bytes), **({"accept": accept} if accept else {})}
        super().__init__(attrs=attrs)
