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

from resources.budget import Purse, Unlimited
from resources.errors import (
    AccountThrottled,
    BucketSpent,
    ContractChanged,
    ParkingError,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    Transient,
)
from resources.latency import LatencyHistogram
from resources.limiter import AppLimiter
from resources.pressure import REGAIN, pressures
from resources.provider import MAIN_BUCKET, Api
from resources.replies import UNREADABLE, value_at
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


class ApiKey(str):
    """The app's key, which stands for a token where the provider gives public data to anybody."""

    __slots__ = ()


@dataclass(frozen=True)
class Call:
    """What one request is: who asks for what, and what it is paid from."""

    request: httpx.Request
    path: str
    token: str
    bucket: str | None
    usage: Usage


class ProviderClient:
    """Asks one provider's API, at its app's pace, and turns every refusal into its class of error.

    ``base_urls`` are the API's base under ``""`` and its further hosts by name. ``purse`` pays the requests.
    """

    def __init__(  # noqa: PLR0913  # what a client stands on, all of it handed in
        self,
        provider: str,
        api: Api,
        base_urls: Mapping[str, str],
        client: httpx.AsyncClient,
        limiter: AppLimiter,
        *,
        purse: Purse | None = None,
        first_backoff_seconds: float = FIRST_BACKOFF_SECONDS,
    ) -> None:
        self.provider, self.api = provider, api
        self._base_urls = {name: address.rstrip("/") for name, address in base_urls.items()}
        self._client, self._limiter, self._purse = client, limiter, purse or Unlimited()
        self._first_backoff_seconds = first_backoff_seconds
        self._full: RateLimited | None = None
        self._full_accounts: dict[str, AccountThrottled] = {}

    async def get(  # noqa: PLR0913  # a request has that many parts
        self,
        path: str,
        params: Mapping[str, str | int],
        token: str,
        usage: Usage,
        *,
        host: str = "",
        bucket: str | None = MAIN_BUCKET,
    ) -> bytes:
        """Return the body of a good reply; raise the ``ProviderError`` that the last refusal means."""
        query = f"?{httpx.QueryParams(params)}" if params else ""
        address = _parsed(f"{self._base_urls[host]}{path}{query}")
        proof = (
            (self.api.key_header, token)
            if isinstance(token, ApiKey)
            else ("authorization", f"Bearer {token}")
        )
        request = httpx.Request("GET", address, headers=[proof, ("user-agent", USER_AGENT)])
        call = Call(request, path, token, bucket, usage)
        for attempt in range(RATE_LIMITED_TRIES):
            try:
                return await self._once(call)
            except (Transient, RateLimited) as error:
                pause = self._pause_before_retry(error, attempt)
                if pause is None:
                    raise
                if isinstance(error, RateLimited):
                    self._limiter.pause(pause)
                else:
                    await asyncio.sleep(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _once(self, call: Call) -> bytes:
        self._stop_where_full(call)
        await self._limiter.acquire()
        self._stop_where_full(call)
        await self._purse.take(call.bucket)
        started, asked_at = time.perf_counter(), datetime.now(UTC)
        try:
            response = await self._sent(call)
        except ProviderError:
            call.usage.count(time.perf_counter() - started, accepted=False)
            raise
        call.usage.count(time.perf_counter() - started, accepted=response.is_success)
        if self.api.usage is not None:
            await self._ease(response, call)
        if response.is_success:
            return response.content
        refusal = self._refusal(response, call, asked_at)
        if isinstance(refusal, QuotaExhausted | BucketSpent):
            await self._purse.spent(call.bucket, asked_at)
        raise refusal

    def _stop_where_full(self, call: Call) -> None:
        """Raise why the next request would only make it worse, until there is room again."""
        for stop in (self._full, self._full_accounts.get(call.token)):
            if stop is not None and stop.retry_at > datetime.now(UTC):
                raise stop

    async def _sent(self, call: Call) -> httpx.Response:
        try:
            async with asyncio.timeout(LONGEST_REPLY_SECONDS):
                return await self._client.send(call.request)
        except TimeoutError as error:
            problem = f"no whole reply within {LONGEST_REPLY_SECONDS} s"
            raise Transient(self.provider, problem, path=call.path) from error
        except ReplyTooLarge as error:
            raise ContractChanged(self.provider, str(error), path=call.path) from error
        except httpx.HTTPError as error:
            raise Transient(self.provider, type(error).__name__, path=call.path) from error

    async def _ease(self, response: httpx.Response, call: Call) -> None:
        """Go slower as a limit comes near, and stop asking before it is hit."""
        if self.api.usage is None:
            return
        app, account = pressures(response.headers, self.api.usage)
        now = datetime.now(UTC)
        if app is not None and app.is_full:
            problem = f"{app.percent:g} % of the app's limit is used"
            self._full = RateLimited(self.provider, problem, retry_at=now + app.regain)
        if account is not None and account.is_full:
            problem = f"{account.percent:g} % of the account's limit is used"
            stop = AccountThrottled(self.provider, problem, retry_at=now + account.regain)
            self._full_accounts[call.token] = stop
        if app is not None:  # a reply without the header says nothing of it
            self._limiter.ease(app.easing_seconds)
        if account is not None and account.easing_seconds:
            await asyncio.sleep(account.easing_seconds)

    def _refusal(self, response: httpx.Response, call: Call, asked_at: datetime) -> ProviderError:
        reason, message = _explanation(response.content, self.api)
        message = message.replace(call.token, "••••")[:EXCERPT_CHARACTERS] or response.reason_phrase
        status = response.status_code
        fault = self.api.fault_of(status, reason, message)
        if issubclass(fault, QuotaExhausted) and self.api.quota and call.bucket != MAIN_BUCKET:
            return BucketSpent(self.provider, f"{status} {message}", status=status, path=call.path)
        if issubclass(fault, ParkingError | AccountThrottled):
            retry_at = self._retry_at(response, fault, asked_at)
            return fault(self.provider, message, retry_at=retry_at, status=status, path=call.path)
        return fault(self.provider, f"{status} {message}", status=status, path=call.path)

    def _retry_at(self, response: httpx.Response, fault: type[ProviderError], asked_at: datetime) -> datetime:
        """Return when a refusal ends: as the reply says, as its usage headers do, or as is declared.

        A quota that was spent when we asked is that day's, also where the answer came after midnight.
        """
        now = datetime.now(UTC)
        wait = retry_after_seconds(response.headers, now)
        if wait is not None:
            return now + timedelta(seconds=min(wait, LONGEST_PARK_SECONDS))
        if self.api.usage is not None:
            app, account = pressures(response.headers, self.api.usage)
            known = account if issubclass(fault, AccountThrottled) else app
            return now + (REGAIN if known is None else known.regain)
        is_of_day = issubclass(fault, QuotaExhausted)
        return self.api.quota_reset(asked_at) if is_of_day else now + timedelta(seconds=1)

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
    reasons = (_word(value_at(reply, place)) for place in api.error_reason)
    message = value_at(reply, api.error_message)
    return "/".join(filter(None, reasons)), _word(message) if isinstance(message, str) else ""


def _word(value: Any) -> str:
    """Return a text, or a number's digits, fit for any database; empty where it is neither."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.replace("\0", "\ufffd") if isinstance(value, str) else ""
