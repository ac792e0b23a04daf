"""Google's errors: what is refused, in the body that Google refuses it with."""

from __future__ import annotations

from typing import Any

from simulator.exchange import Reply, as_json

QUOTA_TEXT = (
    "The request cannot be completed because you have exceeded your "
    '<a href="/youtube/v3/getting-started#quota">quota</a>.'
)
CREDENTIALS_TEXT = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
STRANGER_TEXT = (
    "Method doesn't allow unregistered callers (callers without established identity). "
    "Please use API Key or other form of API consumer identity to call this API."
)
RATE_TEXT = "The request cannot be completed because the rate limit for this project has been exceeded."
CHALLENGE = 'Bearer realm="https://accounts.google.com/"'


class Refused(Exception):  # an answer, not a fault of ours
    """The request is answered with an error; ``more`` is what the error has beside Google's usual fields."""

    def __init__(  # noqa: PLR0913  # one argument a field
        self,
        status_code: int,
        reason: str,
        message: str,
        /,
        *,
        domain: str = "global",
        detail: str | None = None,
        location: str | None = None,
        location_type: str = "parameter",
        headers: tuple[tuple[str, str], ...] = (),
        **more: Any,
    ) -> None:
        self.status, self.headers, self.more = status_code, headers, more
        self.entry = {"message": detail or message, "domain": domain, "reason": reason}
        if location is not None:
            self.entry |= {"location": location, "locationType": location_type}
        super().__init__(message)

    def reply(self) -> Reply:
        """Return the error as Google sends it."""
        body = {"code": self.status, "message": str(self), "errors": [self.entry], **self.more}
        return as_json({"error": body}, self.status, self.headers)


def bad_parameter(name: str, reason: str, message: str, *, domain: str = "youtube.parameter") -> Refused:
    """Return the refusal of one parameter."""
    return Refused(400, reason, message, domain=domain, location=name)


def unknown_parameter(name: str) -> Refused:
    """Return the refusal of a parameter that the method does not have."""
    text = (
        f'Invalid JSON payload received. Unknown name "{name}": '
        f"Cannot bind query parameter. Field '{name}' could not be found in request message."
    )
    violation = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"description": text}],
    }
    return Refused(400, "badRequest", text, status="INVALID_ARGUMENT", details=[violation])


def not_simulated(what: str) -> Refused:
    """Return the refusal of what YouTube has and the simulator has not."""
    return Refused(
        501, "notImplemented", f"YouTube has {what}, the simulator does not", status="UNIMPLEMENTED"
    )


def quota_exceeded() -> Refused:
    """Return the refusal of a project that has used up its day's units."""
    return Refused(403, "quotaExceeded", QUOTA_TEXT, domain="youtube.quota")


def rate_limit_exceeded() -> Refused:
    """Return the refusal of a project that asks too fast."""
    return Refused(403, "rateLimitExceeded", RATE_TEXT, domain="usageLimits")


def forbidden(message: str = "Forbidden", *, domain: str = "global", location: str | None = None) -> Refused:
    """Return the refusal of what the caller has no right to."""
    return Refused(403, "forbidden", message, domain=domain, location=location)


def bad_credentials() -> Refused:
    """Return the refusal of a token that opens nothing, or no longer."""
    header = ("www-authenticate", f'{CHALLENGE}, error="invalid_token"')
    return Refused(
        401,
        "authError",
        CREDENTIALS_TEXT,
        detail="Invalid Credentials",
        location="Authorization",
        location_type="header",
        headers=(header,),
        status="UNAUTHENTICATED",
    )


def missing_scope(needed: str, service: str) -> Refused:
    """Return the refusal of a token whose person did not agree to so much."""
    header = ("www-authenticate", f'{CHALLENGE}, error="insufficient_scope", scope="{needed}"')
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "domain": "googleapis.com",
        "metadata": {"service": service},
    }
    return Refused(
        403,
        "insufficientPermissions",
        "Request had insufficient authentication scopes.",
        detail="Insufficient Permission",
        headers=(header,),
        status="PERMISSION_DENIED",
        details=[info],
    )


def unregistered() -> Refused:
    """Return the refusal of a request without token and key."""
    return Refused(403, "forbidden", STRANGER_TEXT, status="PERMISSION_DENIED")


def bad_key() -> Refused:
    """Return the refusal of an unknown key."""
    return Refused(400, "keyInvalid", "Bad Request", domain="usageLimits")


def server_error(status: int = 500) -> Refused:
    """Return a failure of Google's own."""
    if status == 503:  # noqa: PLR2004  # unavailable
        return Refused(503, "backendError", "The service is currently unavailable.", status="UNAVAILABLE")
    return Refused(status, "backendError", "Backend Error", status="INTERNAL")
