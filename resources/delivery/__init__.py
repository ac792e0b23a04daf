"""Delivery: each event goes to every endpoint that wants it, at least once, under one id.

``routing`` decides where an event goes when it is written; ``outbox`` claims what is due and records
what came of it; ``wire`` posts; ``retries``, ``breaker`` and ``pace`` are the rules, and know no
database; ``dispatcher`` puts them together.
"""
