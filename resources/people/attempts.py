"""Failed logins: how many may be tried, and what the audit log keeps of them, however many there are."""

from __future__ import annotations

import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable

from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import MovingWindowRateLimiter
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from resources import audit
from resources.backline import Backline

logger = logging.getLogger(__name__)
NAMESPACE = "backline-login"
ADDRESS_FACTOR = 3
WINDOW_SECONDS, MOST_ROWS = 60.0, 20


class LoginPace:
    """Counts tries by name and by address, in Redis where there is one, before a password is looked at.

    A name that is tried too often is shut for everybody, also with the right password: otherwise the answer
    would tell a guesser that the guess was right. Sessions that are there go on, and links still let in.
    """

    def __init__(self, limit: str, redis_url: str = "") -> None:
        tries, _, seconds = limit.partition("/")
        self._by_name = RateLimitItemPerSecond(int(tries), int(seconds), namespace=NAMESPACE)
        most = int(tries) * ADDRESS_FACTOR
        self._by_address = RateLimitItemPerSecond(most, int(seconds), namespace=NAMESPACE)
        self._alone = MovingWindowRateLimiter(MemoryStorage())
        self._together = MovingWindowRateLimiter(_storage(redis_url)) if redis_url else self._alone

    def wait_seconds(self, name: str, address: str) -> int:
        """Count a try; return 0, or after how many seconds there is room for one."""
        try:
            return self._counted(self._together, name, address)
        except (StorageError, RedisError) as error:
            logger.warning("Logins are counted by this process alone: Redis fails, %s.", type(error).__name__)
            return self._counted(self._alone, name, address)

    def _counted(self, window: MovingWindowRateLimiter, name: str, address: str) -> int:
        counted = ((self._by_address, f"address {address}"), (self._by_name, f"name {_short(name)}"))
        for item, key in counted:
            if not window.hit(item, key):
                reset = window.get_window_stats(item, key).reset_time
                return max(math.ceil(reset - time.time()), 1)
        return 0

    def forgive(self, name: str) -> None:
        """Forget the tries for a name, whose person has just logged in."""
        try:
            self._together.clear(self._by_name, f"name {_short(name)}")
        except (StorageError, RedisError):
            self._alone.clear(self._by_name, f"name {_short(name)}")


def _storage(redis_url: str) -> Storage:
    return RedisStorage(redis_url, socket_timeout=1, socket_connect_timeout=1, wrap_exceptions=True)


def _short(name: str) -> str:
    """Return a name of bounded length for whatever was typed, maybe a password in the wrong field."""
    return hashlib.sha256(name.strip().lower().encode()).hexdigest()[:32]


class FailureLog:
    """Writes failed logins into the audit log, at most 20 a minute; of more it tells the number alone.

    What was typed as a name is written only where it is one: people type passwords there.
    """

    def __init__(self, backline: Backline, clock: Callable[[], float] = time.monotonic) -> None:
        self._backline, self._clock = backline, clock
        self._lock = threading.Lock()
        self._window_ends, self._written, self._held = 0.0, 0, 0

    def note(self, user: str | None, address: str, reason: str) -> None:
        """Write a failure down, or count it; a database that fails costs the entry, not the answer."""
        with self._lock:
            held = 0
            if self._clock() >= self._window_ends:
                held, self._held, self._written = self._held, 0, 0
                self._window_ends = self._clock() + WINDOW_SECONDS
            if self._written >= MOST_ROWS:
                self._held += 1
                return
            self._written += 1
        subject = f"users/{user}" if user else "users"
        try:
            with self._backline.database.write() as connection:
                if held:
                    audit.record(connection, "somebody", "user.login_failed", "users", count=held)
                details = {"address": address, "reason": reason}
                audit.record(connection, "somebody", "user.login_failed", subject, **details)
        except SQLAlchemyError as error:
            logger.warning("A failed login is not in the audit log: %s.", type(error).__name__)
