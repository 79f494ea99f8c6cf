"""The baseline of ``make bench``: the same callback as most Django teams would write it.

One DRF view, one serializer, the ORM, one transaction per callback; it verifies, stores the raw
delivery, applies once and answers, on the product's own tables.
"""
