"""The sync engine: reads accounts side by side, commits each whole or not at all.

``reader`` fetches one account's streams into ``passes``, ``writer`` commits them together with cursors,
results and events, ``engine`` runs a whole shard, ``report`` sums it up.
"""
