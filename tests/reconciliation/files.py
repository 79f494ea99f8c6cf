"""Small statements for the tests."""

from datetime import date

DAY = date(2026, 11, 18)


def row(
    event_id: str,
    *,
    player: str = "p-1",
    at: str = f"{DAY}T10:00:00.000Z",
    bet: str = "2.00",
    win: str = "3.50",
    currency: str = "AUD",
    **others: str,
) -> dict[str, str]:
    """Make one statement row as a provider writes it."""
    values = {
        "event_id": event_id,
        "round_id": "r-1",
        "player_id": player,
        "timestamp": at,
        "bet_amount": bet,
        "win_amount": win,
        "currency": currency,
        "game_code": "aurora-slot-01",
        "round_type": "base",
        "balance_before": "",
        "balance_after": "",
        "finalized": "true",
        "promo_campaign": "",
        "promo_multiplier": "",
        "status": "settled",
        "reference_event_id": "",
    }
    names = {"event": "event_id", "game": "game_code"}
    return {**values, **{names.get(name, name): value for name, value in others.items()}}


HEADER = ",".join(row("e"))


def csv_bytes(rows: list[dict[str, str]]) -> bytes:
    """Make a CSV file; values that need quotes get them."""
    lines = [",".join(map(_quoted, values.values())) for values in rows]
    return ("\n".join([HEADER, *lines]) + "\n").encode()


def _quoted(value: str) -> str:
    return f'"{value}"' if "," in value else value
