"""Small makers of the rows that tests stand on. Add yours below the last, sorted by app."""

import itertools

from django.contrib.auth.models import Group, Permission

from apps.staff.models import User

_numbers = itertools.count(1)

PASSWORD = "correct horse battery staple"


def make_user(
    username: str = "", *, permissions: tuple[str, ...] = (), roles: tuple[str, ...] = ()
) -> User:
    """Make an active member of staff; permissions are ``app_label.codename``."""
    user = User.objects.create_user(
        username=username or f"person-{next(_numbers)}", password=PASSWORD, is_staff=True
    )
    for name in permissions:
        label, codename = name.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=label, codename=codename)
        )
    for role in roles:
        user.groups.add(Group.objects.get(name=role))
    return user
