"""Whether the supplier that a document prints is a provider on file, under its registered name."""

import re
from typing import Final

# What a company adds to its name by law, in the countries that suppliers come from.
_COMPANY_FORMS: Final = frozenset(
    (
        *("ab", "ag", "as", "bv", "co", "company", "corp", "corporation", "gmbh", "inc"),
        *("incorporated", "limited", "llc", "ltd", "nv", "oy", "plc", "pty", "sa", "sas", "spa"),
        *("srl", "sro"),
    )
)


def is_same_company(supplier: str, name: str) -> bool:
    """Say whether two names are one company's: alike but for case, marks and the legal form.

    A longer name that begins with the shorter one is the same, as Aurora Studios is Aurora.
    """
    first, second = _words(supplier), _words(name)
    length = min(len(first), len(second))
    return length > 0 and first[:length] == second[:length]


def _words(name: str) -> list[str]:
    # Dots go first, so that S.A. and Ltd. are one word each.
    words = re.findall(r"[^\W_]+", name.replace(".", "").casefold())
    while len(words) > 1 and words[-1] in _COMPANY_FORMS:
        words.pop()
    return words
