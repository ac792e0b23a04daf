"""The Data API's door: knows who asks, counts the unit, reads the parameters, finds the method."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from simulator.exchange import Reply, Request
from simulator.faults import Rule
from simulator.world import World
from simulator.youtube import endpoints, errors
from simulator.youtube.asked import Asked
from simulator.youtube.errors import Refused
from simulator.youtube.library import Library
from simulator.youtube.parameters import (
    Parameters,
    by_time,
    ids,
    language,
    one_of,
    page_token,
    truth,
    whole,
    word,
)
from simulator.youtube.quota import Bucket, Quota
from simulator.youtube.tokens import Grants, Token, read_token

PREFIX = "/youtube/v3"
KEY = "simulator-key"
PAGING = {"maxResults": whole(0, 50), "pageToken": page_token}
PARTNERS = frozenset({"onBehalfOfContentOwner", "onBehalfOfContentOwnerChannel"})


class Method(NamedTuple):
    """One method; ``bucket`` is what its units are counted in."""

    answer: Callable[[Asked], bytes]
    parameters: Parameters
    bucket: Bucket = "default"


METHODS: dict[str, Method] = {
    "/channels": Method(
        endpoints.channels,
        Parameters(
            (
                *("auditDetails", "brandingSettings", "contentDetails", "contentOwnerDetails", "id"),
                *("localizations", "snippet", "statistics", "status", "topicDetails"),
            ),
            {"mine": truth, "id": ids, "forHandle": word},
            {**PAGING, "hl": language},
            PARTNERS | {"categoryId", "forUsername", "managedByMe", "mySubscribers"},
        ),
    ),
    "/playlistItems": Method(
        endpoints.playlist_items,
        Parameters(
            ("contentDetails", "id", "snippet", "status"),
            {"playlistId": word},
            PAGING,
            PARTNERS | {"id", "videoId"},
        ),
    ),
    "/playlists": Method(
        endpoints.playlists,
        Parameters(
            ("contentDetails", "id", "localizations", "player", "snippet", "status"),
            {"mine": truth, "channelId": word, "id": ids},
            {**PAGING, "hl": language},
            PARTNERS,
        ),
    ),
    "/videos": Method(
        endpoints.videos,
        Parameters(
            (
                *("contentDetails", "fileDetails", "id", "liveStreamingDetails", "localizations"),
                *("paidProductPlacementDetails", "player", "processingDetails", "recordingDetails"),
                *("snippet", "statistics", "status", "suggestions", "topicDetails"),
            ),
            {"id": ids},
            {"maxResults": whole(1, 50), "pageToken": page_token, "hl": language},
            PARTNERS
            | {"chart", "myRating", "locale", "maxHeight", "maxWidth", "regionCode", "videoCategoryId"},
        ),
    ),
    "/videos:batchGetStats": Method(
        endpoints.batch_get_stats,
        Parameters(
            ("contentDetails", "id", "snippet", "statistics"),
            {"id": ids},
            elsewhere=frozenset({"onBehalfOfContentOwner"}),
        ),
        "stats",
    ),
    "/commentThreads": Method(
        endpoints.comment_threads,
        Parameters(
            ("id", "replies", "snippet"),
            {"videoId": word, "allThreadsRelatedToChannelId": word},
            {
                "maxResults": whole(1, 100),
                "pageToken": page_token,
                "order": by_time,
                "textFormat": one_of("html", "plainText"),
            },
            frozenset({"channelId", "id", "moderationStatus", "searchTerms"}),
        ),
    ),
}
NOT_SIMULATED_PATHS = (
    "/abuseReports /activities /captions /channelBanners/insert /channelSections /comments "
    "/comments/markAsSpam /comments/setModerationStatus /i18nLanguages /i18nRegions /liveBroadcasts "
    "/liveBroadcasts/bind /liveBroadcasts/cuepoint /liveBroadcasts/transition /liveChat/bans "
    "/liveChat/messages /liveChat/messages/stream /liveChat/messages/transition /liveChat/moderators "
    "/liveStreams /members /membershipsLevels /playlistImages /search /subscriptions /superChatEvents "
    "/tests /thirdPartyLinks /thumbnails/set /videoAbuseReportReasons /videoCategories "
    "/videoTrainability /videos/getRating /videos/rate /videos/reportAbuse /watermarks/set "
    "/watermarks/unset"
)
NOT_SIMULATED = frozenset(NOT_SIMULATED_PATHS.split())


class DataApi:
    """``/youtube/v3``."""

    faulty = True

    def __init__(self, world: World, library: Library, grants: Grants, quota: Quota) -> None:
        self.world, self.library, self.grants, self.quota = world, library, grants, quota

    def account(self, request: Request) -> int | None:
        """Return whose token the request carries, even where it has expired."""
        token = read_token(request.headers.get("authorization", "").removeprefix("Bearer "))
        return token.account if token else None

    def answer(self, request: Request) -> Reply:
        """Answer as YouTube does, errors included."""
        try:
            return Reply(200, self._body(request), "application/json; charset=UTF-8")
        except Refused as refused:
            return refused.reply()

    def refusal(self, rule: Rule, request: Request) -> Reply | None:
        """Word a fault as YouTube does; those of its own inside cost a unit, as every request does."""
        if rule.kind in {"server_error", "forbidden"} and not self.quota.charge(_bucket(request)):
            return errors.quota_exceeded().reply()
        if rule.kind == "quota":
            self.quota.count_refusal(_bucket(request))
        return refusal(rule)

    def _body(self, request: Request) -> bytes:
        path = request.path.removeprefix(PREFIX)
        method = METHODS.get(path)
        if method is None and path not in NOT_SIMULATED:
            raise Refused(404, "notFound", "Not Found")
        token = caller(self.world, self.grants, request)
        if not self.quota.charge(_bucket(request)):
            raise errors.quota_exceeded()
        if method is None or request.method != "GET":
            raise errors.not_simulated(f"{request.method} {path}")
        values = method.parameters.read(request.query)
        return method.answer(Asked(self.library, token, values))


def _bucket(request: Request) -> Bucket:
    path = request.path.removeprefix(PREFIX)
    return "search" if path == "/search" else METHODS[path].bucket if path in METHODS else "default"


def refusal(rule: Rule) -> Reply | None:
    """Return the reply with which Google's APIs word a fault, or ``None`` where the real one is needed."""
    refused = {
        "rate_limit": errors.rate_limit_exceeded,
        "quota": errors.quota_exceeded,
        "server_error": lambda: errors.server_error(rule.status or 500),
        "forbidden": errors.forbidden,
        "revoked": errors.bad_credentials,
    }.get(rule.kind)
    if refused is None:
        return None
    reply = refused().reply()
    wait = () if rule.retry_after is None else (("retry-after", str(rule.retry_after)),)
    return reply._replace(headers=(*reply.headers, *wait))


def caller(world: World, grants: Grants, request: Request) -> Token | None:
    """Return the token of who asks, ``None`` where a key does; raise ``Refused`` where neither holds."""
    key = request.headers.get("x-goog-api-key") or dict(request.query).get("key")
    if key is not None and key != KEY:
        raise errors.bad_key()
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        if key is None:
            raise errors.unregistered()
        return None
    token = read_token(text) if scheme == "Bearer" else None
    if token is None or token.kind != "access" or not world.has(token.account):
        raise errors.bad_credentials()
    if grants.is_dead(token, world.clock.now()):
        raise errors.bad_credentials()
    return token
