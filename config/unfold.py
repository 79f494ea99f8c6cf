"""The admin's look and its navigation. Entries show only to those who may open them."""

UNFOLD_SETTINGS = {
    "SITE_TITLE": "Pitboss",
    "SITE_HEADER": "Pitboss",
    "SITE_SUBHEADER": "Casino back office",
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}
