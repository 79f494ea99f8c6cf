"""Roots that come with documents are proposed: they came the same way as what they vouch for."""

from collections.abc import Set as AbstractSet
from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser

from apps.providers.errors import InvalidRootError
from apps.providers.models import TrustedRoot
from apps.providers.selectors.certificates import lab_by_name
from apps.providers.services.trust import (
    RootFile,
    lab_named,
    propose_root,
    read_root,
    upload_root,
)


def propose_found(name: str, data: bytes, labs: AbstractSet[str], now: datetime) -> TrustedRoot:
    """Propose a root for the lab that its subject names, one on file or among ``labs``.

    Raises:
        InvalidRootError: it is no root, or of no lab that is known.
    """
    root = read_root(name, data)
    return propose_root(lab_name=_named_by(root, labs), root=root, now=now)


def upload_found(
    name: str, data: bytes, *, acting_user: AbstractBaseUser | None, now: datetime
) -> TrustedRoot:
    """Upload a root that lay in a delivery for the lab on file that its subject names.

    Raises:
        InvalidRootError: it is no root, or of no lab that is known.
    """
    root = read_root(name, data)
    lab = lab_named(_named_by(root, frozenset()), now=now)
    return upload_root(lab=lab, name=name, data=data, acting_user=acting_user, now=now)


def named_lab(root: RootFile, labs: AbstractSet[str]) -> str:
    """Return the lab that a root's subject names, for whoever chose it at the command line.

    Raises:
        InvalidRootError: none of ``labs`` and none on file is called so.
    """
    lab = _lab_of(root, labs)
    if lab is None:
        raise _of_no_lab(root, f"say whose it is: --trust 'LAB NAME={root.name}'")
    return lab


def _named_by(root: RootFile, labs: AbstractSet[str]) -> str:
    lab = _lab_of(root, labs)
    if lab is None:
        raise _of_no_lab(root, "upload it for the laboratory that it is of, under Trusted roots, +")
    return lab


def _lab_of(root: RootFile, labs: AbstractSet[str]) -> str | None:
    """Return the lab that a root's subject names, one on file or among ``labs``, if there is."""
    known = {lab.casefold(): lab for lab in labs}
    if root.organisation.casefold() in known:
        return known[root.organisation.casefold()]
    lab = lab_by_name(root.organisation) if root.organisation else None
    return None if lab is None else lab.name


def _of_no_lab(root: RootFile, otherwise: str) -> InvalidRootError:
    return InvalidRootError(
        f"{root.name} names '{root.organisation}', which is no laboratory on file. Register a "
        f"report of it first, or {otherwise}."
    )
