"""The baseline of ``make bench``: the same callback as a good Django team would write it.

One DRF view, one serializer, the ORM, one transaction per callback; it verifies, stores the raw
delivery, applies once under the player's lock and answers, on the product's own tables. Nothing is
slow on purpose: keys, games and house accounts are cached for as long as the gateway caches them,
each JSON body is validated once, both transfers are one statement, no look-up opens a savepoint,
connections persist without a health check, and the server and its threads are the fastest measured.
It leaves out what only the product needs: bonuses, limits, sessions, campaigns and alerts.
"""
