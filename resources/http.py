"""The client that speaks to a provider's API: its app's pace, its retries, and what its refusals mean."""

from __future__ import annotations

import asyncio
import functools
import math
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec

from resources.errors import (
    ContractChanged,
    ParkingError,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Transient,
)
from resources.latency import LatencyHistogram
from resources.limiter import AppLimiter
from resources.provider import Api
from resources.replies import UNREADABLE
from resources.transport import USER_AGENT, ReplyTooLarge

TRIES, RATE_LIMITED_TRIES = 4, 10
FIRST_BACKOFF_SECONDS = 0.5
LONGEST_SLEEP_SECONDS, LONGEST_PARK_SECONDS = 60, 7 * 86_400
EXCERPT_CHARACTERS = 200
LONGEST_REPLY_SECONDS = 120


@dataclass
class Usage:
    """What reading something cost: requests that got an answer, those that were refused, their times."""

    requests: int = 0
    refused: int = 0
    latency: LatencyHistogram = field(default_factory=LatencyHistogram)

    def count(self, seconds: float, *, accepted: bool) -> None:
        """Count one answered, or failed, request."""
        self.requests += 1
        self.refused += not accepted
        self.latency.add(seconds)

    def add(self, other: Usage) -> None:
        """Add another's counts to these."""
        self.requests += other.requests
        self.refused += other.refused
        self.latency.merge(other.latency)


class ProviderClient:
    """Asks one provider's API, at its app's pace, and turns every refusal into its class of error."""

    def __init__(  # noqa: PLR0913  # what a client stands on, all of it handed in
        self,
        provider: str,
        api: Api,
        base_url: str,
        client: httpx.AsyncClient,
        limiter: AppLimiter,
        *,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
    ) -> None:
        self.provider, self.api = provider, api
        self._base_url, self._client, self._limiter = base_url.rstrip("/"), client, limiter
        self._first_backoff_seconds = first_backoff_seconds

    async def get(self, path: str, params: Mapping[str, str | int], token: str, usage: Usage) -> bytes:
        """Return the body of a good reply; raise the ``ProviderError`` that the last refusal means."""
        query = f"?{httpx.QueryParams(params)}" if params else ""
        headers = {"authorization": f"Bearer {token}", "user-agent": USER_AGENT}
        request = httpx.Request("GET", _parsed(f"{self._base_url}{path}{query}"), headers=headers)
        for attempt in range(RATE_LIMITED_TRIES):
            try:
                return await self._once(request, path, token, usage)
            except (Transient, RateLimited) as error:
                pause = self._pause_before_retry(error, attempt)
                if pause is None:
                    raise
                if isinstance(error, RateLimited):
                    self._limiter.pause(pause)
                else:
                    await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _once(self, request: httpx.Request, path: str, token: str, usage: Usage) -> bytes:
        await self._limiter.acquire()
        started = time.perf_counter()
        try:
            async with asyncio.timeout(LONGEST_REPLY_SECONDS):
                response = await self._client.send(request)
        except TimeoutError as error:
            usage.count(time.perf_counter() - started, accepted=False)
            problem = f"no whole reply within {LONGEST_REPLY_SECONDS} s"
            raise Transient(self.provider, problem, path=path) from error
        except ReplyTooLarge as error:
            usage.count(time.perf_counter() - started, accepted=False)
            raise ContractChanged(self.provider, str(error), path=path) from error
        except httpx.HTTPError as error:
            usage.count(time.perf_counter() - started, accepted=False)
            raise Transient(self.provider, type(error).__name__, path=path) from error
        usage.count(time.perf_counter() - started, accepted=response.is_success)
        if response.is_success:
            return response.content
        raise self._refusal(response, path, token)

    def _refusal(self, response: httpx.Response, path: str, token: str) -> ProviderError:
        reason, message = _explanation(response.content, self.api)
        message = message.replace(token, "••••")[:EXCERPT_CHARACTERS] or response.reason_phrase
        status = response.status_code
        fault = self.api.fault_of(status, reason, message)
        if issubclass(fault, ParkingError):
            wait = retry_after_seconds(response.headers, datetime.now(UTC))
            if wait is None and issubclass(fault, QuotaExhausted):
                wait = self.api.quota_wait.total_seconds()
            wait = min(1 if wait is None else wait, LONGEST_PARK_SECONDS)
            retry_at = datetime.now(UTC) + timedelta(seconds=wait)
            return fault(self.provider, message, retry_at=retry_at, status=status, path=path)
        return fault(self.provider, f"{status} {message}", status=status, path=path)

    def _pause_before_retry(self, error: ProviderError, attempt: int) -> float | None:
        """Return the seconds to wait before another try, or ``None`` where none is to be made."""
        if isinstance(error, RateLimited):
            wait = (error.retry_at - datetime.now(UTC)).total_seconds()
            tries_left = attempt + 1 < RATE_LIMITED_TRIES
            return max(wait, 0.0) if wait <= LONGEST_SLEEP_SECONDS and tries_left else None
        if attempt + 1 >= TRIES:
            return None
        return self._first_backoff_seconds * (1 << attempt) * random.uniform(0.5, 1.5)  # noqa: S311  # jitter


@functools.lru_cache(maxsize=1024)
def _parsed(address: str) -> httpx.URL:
    """Return an address as httpx takes it; all accounts ask for the same few."""
    return httpx.URL(address)


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After``, in seconds or as a date (RFC 9110, 10.2.3); ``None`` where it says nothing."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        return _seconds_until(text, now)
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds(), 0.0)


def _explanation(body: bytes, api: Api) -> tuple[str, str]:
    """Return an error reply's reason and message, as far as it has them."""
    try:
        reply = msgspec.json.decode(body)
    except UNREADABLE:
        return "", ""
    return _text_at(reply, api.error_reason), _text_at(reply, api.error_message)


def _text_at(value: Any, path: str) -> str:
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value.replace("\0", "\ufffd") if isinstance(value, str) else ""
