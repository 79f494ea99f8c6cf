"""Draw one page of a document as a picture, so that a person can look at it without opening it.

The picture is made of pixels alone: nothing of the document runs or is fetched where it is shown.
pdfium is built without a script engine. Run as ``python -m apps.providers.pdf.page_image PAGE``
by ``page_png``.
"""

import io
import sys

import pypdfium2

from apps.providers.pdf.isolated import restrict, run_isolated

_WIDTH_PIXELS = 1_100
_MAX_PIXELS = 4_000_000


def page_png(data: bytes, page: int) -> bytes | None:
    """Return page ``page`` (from 1) as PNG, drawn in another process; None where it can't be."""
    answer = run_isolated("apps.providers.pdf.page_image", data, str(page))
    return answer if answer and answer.startswith(b"\x89PNG\r\n\x1a\n") else None


def _draw(data: bytes, page: int) -> bytes:
    document = pypdfium2.PdfDocument(data)
    sheet = document[page - 1]
    width, height = sheet.get_size()
    # A page may claim to be kilometres wide: the picture stays small whatever it says.
    scale = min(_WIDTH_PIXELS / max(width, 1), (_MAX_PIXELS / max(width * height, 1)) ** 0.5)
    buffer = io.BytesIO()
    sheet.render(scale=scale).to_pil().convert("L").save(buffer, "PNG")
    return buffer.getvalue()


if __name__ == "__main__":
    restrict()
    sys.stdout.buffer.write(_draw(sys.stdin.buffer.read(), int(sys.argv[1])))
