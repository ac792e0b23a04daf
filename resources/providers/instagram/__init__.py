"""Instagram: the Instagram API with Instagram Login.

Docs: https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login.
"""

from __future__ import annotations

from datetime import timedelta

from resources.errors import (
    AccountThrottled,
    Gone,
    GrantExpired,
    PartRefused,
    PermissionMissing,
    RateLimited,
    Transient,
)
from resources.provider import (
    Api,
    Fault,
    Identity,
    Limit,
    Metric,
    OAuth,
    Provider,
    Pushes,
    SelfRenewal,
    UsageHeaders,
)
from resources.providers.instagram.pages import SITE
from resources.providers.instagram.pushes import read_changes
from resources.providers.instagram.streams import BASIC, COMMENTS, DAY, INSIGHTS, STREAMS

AUTHORIZE_URL = "https://www.instagram.com/oauth/authorize"
TOKEN_URL = "https://api.instagram.com/oauth/access_token"  # noqa: S105  # an address
API_URL = "https://graph.instagram.com/v25.0"
GRAPH_URL = "https://graph.instagram.com"  # tokens are exchanged and renewed without a version

PROVIDER = Provider(
    name="instagram",
    title="Instagram",
    docs="https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login",
    apps="https://developers.facebook.com/apps",
    every="6h",
    api=Api(
        API_URL,
        limit=Limit(100, seconds=10),
        hosts={"graph": GRAPH_URL},
        usage=UsageHeaders("x-app-usage", "x-business-use-case-usage"),
        error_reason=("error.code", "error.error_subcode"),
        faults=(
            Fault(Gone, reason="100/33"),
            Fault(PermissionMissing, reason="100/2108006"),  # from before it was a professional account
            Fault(PartRefused, reason="100", message="metric"),
            Fault(PermissionMissing, reason="100", message="permission"),
            Fault(GrantExpired, reason="190"),
            Fault(PermissionMissing, reason="10"),
            Fault(RateLimited, reason="4"),
            Fault(AccountThrottled, reason="17"),
            Fault(AccountThrottled, reason="32"),
            Fault(AccountThrottled, reason="613"),
            Fault(AccountThrottled, reason="80002"),
            Fault(Transient, reason="1"),
            Fault(Transient, reason="2"),
        ),
    ),
    oauth=OAuth(
        authorize=AUTHORIZE_URL,
        token=TOKEN_URL,
        scopes=(BASIC, INSIGHTS),
        optional_scopes=(COMMENTS,),
        scope_separator=",",
        pkce=False,
        secret_in="body",  # noqa: S106  # a place, no secret
        dead_grant=("OAuthException", "190"),
        identity=Identity(
            "/me", id=("user_id", "id"), name=("username",), params={"fields": "user_id,id,username"}
        ),
        renewal=SelfRenewal(
            host="graph",
            exchange_path="/access_token",
            exchange_grant="ig_exchange_token",
            renew_path="/refresh_access_token",
            renew_grant="ig_refresh_token",
            min_age=DAY,
            ahead=timedelta(days=50),  # of 60: it is renewed every ten days
        ),
    ),
    streams=STREAMS,
    site=SITE,
    audience=(
        Metric("followers", "profile", "followers_count"),
        Metric("posts", "profile", "media_count"),
        *(
            Metric(name, "account_insights", "value", day="day", where={"metric": name})
            for name in ("reach", "views", "likes", "comments", "shares", "saves", "accounts_engaged")
        ),
    ),
    pushes=Pushes(
        way="app",
        signature="x-hub-signature-256",
        algorithm="sha256",
        read=read_changes,
        streams=("media", "media_insights", "comments"),
        path="/{external_id}/subscribed_apps",
        params={"subscribed_fields": "comments,mentions"},
        lease=timedelta(days=30),  # it has no end; asked for again all the same
    ),
)
