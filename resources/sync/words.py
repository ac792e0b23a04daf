"""Words of a list that a provider refuses: which of them are not worth asking for again in a run."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection

Key = tuple[object, ...]
ENOUGH_ACCOUNTS = 3


class RefusedWords:
    """What the provider refused in one run, by what it was asked with.

    A word is asked for no more for the account that it was refused for, and for nobody once it was
    refused for several and taken for none: then it is the word that is wrong, and not the account.
    """

    def __init__(self) -> None:
        self._refused: dict[Key, dict[str, set[uuid.UUID]]] = defaultdict(lambda: defaultdict(set))
        self._taken: dict[Key, set[str]] = defaultdict(set)

    def skipped(self, key: Key, account: uuid.UUID) -> set[str]:
        """Return the words that are not to be asked for."""
        if key not in self._refused:
            return set()
        taken = self._taken[key]
        return {
            word
            for word, accounts in self._refused[key].items()
            if account in accounts or (len(accounts) >= ENOUGH_ACCOUNTS and word not in taken)
        }

    def refuse(self, key: Key, account: uuid.UUID, words: Collection[str]) -> None:
        """Remember words that were refused."""
        for word in words:
            self._refused[key][word].add(account)

    def take(self, key: Key, words: Collection[str]) -> None:
        """Remember words that were answered."""
        self._taken[key].update(words)
