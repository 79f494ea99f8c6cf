"""Find where on its pages a document says what was read from it."""

from collections.abc import Mapping

import pypdfium2
from pypdfium2 import PdfDocument, PdfiumError, PdfPage

from apps.providers.pdf.contracts import Place

_MAX_PAGES = 30
_MAX_QUOTES = 200


def find_places(data: bytes, quotes: Mapping[str, tuple[str, ...]]) -> tuple[Place, ...]:
    """Return one place for each field that is found, on the first page that holds its quotes.

    ``quotes`` are the words as they stand in the document; a list of games has one for each. What
    is not found has no place: it is still shown, without a mark on the page.
    """
    try:
        document = PdfDocument(data)
        pages = [document[number] for number in range(min(len(document), _MAX_PAGES))]
        found: dict[str, Place] = {}
        for number, page in enumerate(pages, start=1):
            missing = {name: words for name, words in quotes.items() if name not in found}
            found |= _on_page(page, number, missing)
    except (PdfiumError, ValueError):
        return ()
    return tuple(found.values())


def _on_page(page: PdfPage, number: int, quotes: Mapping[str, tuple[str, ...]]) -> dict[str, Place]:
    left, bottom, right, top = page.get_cropbox()
    width, height = right - left, top - bottom
    if page.get_rotation() or width <= 0 or height <= 0:
        return {}
    text = page.get_textpage()
    found = {}
    for name, words in quotes.items():
        boxes = [box for quote in words[:_MAX_QUOTES] for box in _boxes(text, quote)]
        if not boxes:
            continue
        x0, y0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
        x1, y1 = max(box[2] for box in boxes), max(box[3] for box in boxes)
        found[name] = Place(
            field=name,
            page=number,
            left=round((x0 - left) / width, 4),
            top=round((top - y1) / height, 4),
            width=round((x1 - x0) / width, 4),
            height=round((y1 - y0) / height, 4),
        )
    return found


def _boxes(text: pypdfium2.PdfTextPage, quote: str) -> list[tuple[float, float, float, float]]:
    if not quote.strip():
        return []
    hit = text.search(quote, match_case=True).get_next()
    if hit is None:
        return []
    index, count = hit
    return [text.get_rect(number) for number in range(text.count_rects(index, count))]
