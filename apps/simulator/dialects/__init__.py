"""The providers' side of each protocol, written from the reference text alone.

A provider is another party. Nothing here knows the adapters that answer it, nor shares a line
with them, because a mistake that both sides shared would never show. No Django in here: a load
generator imports it too.
"""
