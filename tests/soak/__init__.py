"""A seeded soak: four providers play while everything is killed; in the end the books must agree.

``python -m tests.soak --minutes 2 --seed 7``. It lives with the tests because it kills processes
and forges messages, which no command of the product should know how to do.
"""
