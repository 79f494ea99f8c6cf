"""What each role may do: role name -> permissions as ``app_label.codename``, sorted by app.

``manage.py seed_roles`` applies this table through ``staff.services.sync_roles``.
"""

ROLE_PERMISSIONS: dict[str, list[str]] = {
    "Compliance officer": [],
    "CS agent": [],
    "CS supervisor": [],
    "Promo manager": [],
    "Finance analyst": [],
    "Integration engineer": [],
    "Auditor": [],
}
