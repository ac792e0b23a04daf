"""What the simulated Instagram remembers: its mode, its accounts' edits, who revoked and who subscribed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from simulator.instagram import errors
from simulator.instagram.tokens import Token, read_token
from simulator.world import World

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Budget = Annotated[int, msgspec.Meta(ge=1)]


class Mode(msgspec.Struct):
    """How the platform behaves as a whole.

    ``token_shape`` is the body of the code exchange, ``calls_per_day`` each account's budget,
    ``app_calls_per_hour`` the app's, ``drop_to_percent`` how much of each list is shown.
    """

    token_shape: Literal["data", "flat"] = "data"  # noqa: S105  # a shape, not a token
    calls_per_day: int = 48_000
    app_calls_per_hour: int = 200_000
    drop_to_percent: int = 100


class ModeOrder(msgspec.Struct, forbid_unknown_fields=True):
    """``POST /control/instagram/mode``; what is left out stays as it is."""

    token_shape: Literal["data", "flat"] | None = None
    calls_per_day: Budget | None = None
    app_calls_per_hour: Budget | None = None
    drop_to_percent: Percent | None = None


@dataclass
class Edits:
    """What was changed of one account since the start; all else follows from its number.

    ``slots`` are the slots of its media in the order shown, newest first, where they changed; ``posted_at``
    and ``story_posted_at`` say when slots came that were not there at the start, in Unix seconds;
    ``commented_at`` when comments came, by slot.
    """

    slots: list[int] | None = None
    posted_at: dict[int, float] = field(default_factory=dict)
    story_posted_at: dict[int, float] = field(default_factory=dict)
    commented_at: dict[int, list[float]] = field(default_factory=dict)
    followers: int | None = None
    username: str | None = None


UNCHANGED = Edits()


@dataclass
class State:
    """All state of the simulated Instagram beside the world's."""

    world: World
    mode: Mode = field(default_factory=Mode)
    edits: dict[int, Edits] = field(default_factory=dict)
    revoked_at: dict[int, float] = field(default_factory=dict)
    subscribed: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def now(self) -> float:
        """The simulated time, Unix seconds."""
        return self.world.clock.now()

    def edits_of(self, account: int) -> Edits:
        """Return what was changed of an account; not to be written to."""
        return self.edits.get(account, UNCHANGED)

    def edit(self, account: int) -> Edits:
        """Return the account's changes, to write another into."""
        return self.edits.setdefault(account, Edits())

    def revoke(self, account: int) -> None:
        """Let every token given until now be refused."""
        self.revoked_at[account] = self.now + 1
        self.subscribed.pop(account, None)

    def token(self, text: str) -> Token:
        """Return what a living token grants; raise ``Refused`` (190) for any other."""
        token = read_token(text)
        if token is None or not self.world.has(token.account):
            raise errors.dead_token(errors.UNPARSED)
        if self.revoked_at.get(token.account, 0) > token.authorized_at:
            raise errors.dead_token(errors.DISAPPROVED, 458)
        if token.expires_at <= self.now:
            raise errors.dead_token("Error validating access token: Session has expired.", 463)
        return token
