"""The acceptance kit: the field's 65 scenarios, played against a running gateway.

It is how a provider is proven before go-live: each scenario is what a provider does, what it must
hear, and what our ledger must say afterwards.
"""
