"""What an event moved: its ledger lines, which are the split of each bet, and its receipts."""

from collections.abc import Sequence

from apps.bonuses.contracts import Receipt
from apps.bonuses.services import wagering
from apps.core.batches import Cursor
from apps.gateway.services.book import Book
from apps.wallet.contracts import PlayerPot, PostedLine, Side
from apps.wallet.enums import TransferKind
from apps.wallet.services import ledger


def load_what_moved(cursor: Cursor, book: Book, subjects: Sequence[str]) -> None:
    """Load what a batch needs to undo these events: lines, receipts, their players' grants, debts.

    Every subject that a batch may reverse must be loaded here first (``lines_of`` and
    ``receipts_of`` say so).
    """
    if subjects:
        book.lines |= ledger.posted_lines(cursor, subjects)
        receipts = wagering.load_receipts(cursor, subjects)
        book.receipts |= {subject: receipts.get(subject, []) for subject in subjects}
        players = sorted(wallet.player_id for wallet in book.wallets.values())
        if any(line.kind == TransferKind.OVERDRAWN for own in book.lines.values() for line in own):
            book.debts |= ledger.load_debts(cursor, book.wallets.values())
        book.grants |= wagering.load_grants(cursor, players)


def lines_of(book: Book, subject: str, *, may_be_new: bool) -> list[PostedLine]:
    """Return the lines of a subject: those stored and those of the running batch.

    Raises:
        LookupError: a stored event that nobody loaded; reversing it would lose its money.
    """
    if subject not in book.lines and not may_be_new:
        raise LookupError(f"The ledger lines of {subject} were not loaded.")
    stored = book.lines.get(subject, [])
    running = [
        PostedLine(
            transfer.idempotency_key,
            transfer.kind,
            _pot(transfer.debit),
            _pot(transfer.credit),
            transfer.amount_minor,
        )
        for transfer in book.transfers
        if transfer.subject == subject
    ]
    return [*stored, *running]


def receipts_of(book: Book, subject: str, *, may_be_new: bool) -> list[Receipt]:
    """Return what a bet counted: the receipts stored and those of the running batch.

    Raises:
        LookupError: a stored event that nobody loaded; what it counted would stay counted.
    """
    if subject not in book.receipts and not may_be_new:
        raise LookupError(f"The wagering receipts of {subject} were not loaded.")
    return book.receipts.setdefault(subject, [])


def _pot(side: Side) -> str:
    return side.pot if isinstance(side, PlayerPot) else ""
