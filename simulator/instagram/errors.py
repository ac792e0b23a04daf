"""Refusals in the words of the Graph API.

``graph.instagram.com`` names the type of most of its errors ``IGApiException`` (public captures of code 100),
and that of dead tokens, missing permissions and throttling ``OAuthException``. Only the code counts.
"""

from __future__ import annotations

from typing import Any

from simulator.exchange import Reply, as_json
from simulator.mixing import mix

API, OAUTH = "IGApiException", "OAuthException"
MISSING = (
    "Unsupported {method} request. Object with ID '{node}' does not exist, cannot be loaded due to missing "
    "permissions, or does not support this operation"
)
NO_PERMISSION = "(#10) Application does not have permission for this action"
DISAPPROVED = "Error validating access token: The user has not authorized application."
UNPARSED = "Invalid OAuth access token - Cannot parse access token"
Headers = tuple[tuple[str, str], ...]


class Refused(Exception):  # an answer, not a fault of ours
    """The request is answered with a Graph error; ``more`` holds the fields that only some errors have."""

    def __init__(  # noqa: PLR0913  # one argument a field of the error
        self,
        message: str,
        code: int = 100,
        *,
        status: int = 400,
        kind: str = API,
        subcode: int | None = None,
        headers: Headers = (),
        **more: Any,
    ) -> None:
        self.message, self.code, self.status = message, code, status
        self.kind, self.subcode, self.headers, self.more = kind, subcode, headers, more
        super().__init__(message)

    def reply(self) -> Reply:
        """Return the error as the API sends it."""
        error = {"message": self.message, "type": self.kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        seed = mix(self.code, sum(self.message.encode()))
        error |= {**self.more, "fbtrace_id": f"A{seed:016x}"}
        return as_json({"error": error}, self.status, self.headers)


def missing(method: str, node: str) -> Refused:
    """Return the error for what is not there, or not this token's to see."""
    return Refused(MISSING.format(method=method.lower(), node=node), subcode=33)


def no_permission(status: int = 403) -> Refused:
    """Return the error for a scope that was not granted."""
    return Refused(NO_PERMISSION, 10, status=status, kind=OAUTH)


def dead_token(message: str, subcode: int | None = None) -> Refused:
    """Return the error for a token that is malformed, revoked (458) or expired (463)."""
    return Refused(message, 190, kind=OAUTH, subcode=subcode)


def too_many_of_app(headers: Headers = ()) -> Refused:
    """Return the error for an app that asked too often."""
    return Refused(
        "(#4) Application request limit reached", 4, kind=OAUTH, headers=headers, is_transient=True
    )


def too_many_of_account(headers: Headers = ()) -> Refused:
    """Return the error for an account that was asked for too often."""
    return Refused("(#17) User request limit reached", 17, kind=OAUTH, headers=headers, is_transient=True)


def server_error(status: int = 500) -> Refused:
    """Return the error that passes by itself."""
    message = "An unexpected error has occurred. Please retry your request later."
    return Refused(message, 2, status=status, kind=OAUTH, is_transient=True)


def not_simulated(what: str) -> Refused:
    """Return the answer for what Instagram has and this simulator has not."""
    return Refused(f"Instagram has {what}, the simulator does not", status=501)
