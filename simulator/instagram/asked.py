"""What an endpoint was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from simulator.instagram.errors import Refused
from simulator.instagram.ids import Node
from simulator.instagram.state import State
from simulator.instagram.tokens import Token

VERSION = "v25.0"
PREFIX = f"/instagram/{VERSION}"


@dataclass(frozen=True)
class Asked:
    """One accepted request: whose token, of which thing, which of its lists, with which parameters."""

    state: State
    origin: str
    token: Token
    token_text: str
    method: str
    node: Node
    edge: str
    values: Mapping[str, str]

    @property
    def account(self) -> int:
        """Whose token it is."""
        return self.token.account

    def address(self, parameters: Mapping[str, str]) -> str:
        """Return this list's address at another position; it carries the token, as Instagram's do."""
        query = urlencode({"access_token": self.token_text, "pretty": "0", **parameters})
        return f"{self.origin}{PREFIX}/{self.node.id}/{self.edge}?{query}"

    def words(self, name: str) -> list[str]:
        """Return a list separated by commas; raise ``Refused`` where it is empty or repeats itself."""
        words = [word.strip() for word in self.values.get(name, "").split(",")]
        if not all(words) or len(set(words)) < len(words):
            raise Refused(f"(#100) The parameter {name} is required")
        return words
