"""What a person is told when a connection did not come about."""

import re
from urllib.parse import urlencode

from console.pages import HOME, Link, Message
from console.parts import Console
from console.states import LIFETIME, Refusal
from resources.errors import (
    AppRefused,
    GrantExpired,
    ParkingError,
    PermissionMissing,
    ProviderError,
    Transient,
)
from resources.provider import Provider

ERROR_NAME = re.compile(r"[a-z_]{1,40}")
NOTHING_STORED = "Nothing was stored."
NOT_YOURS = "If somebody sent you this address, do not use it."

MINUTES = int(LIFETIME.total_seconds() // 60)
REFUSALS: dict[Refusal, tuple[str, str, str]] = {
    "unknown": (
        "This connection was finished already, or never begun here",
        "Each return from the provider is good once, and this one is not known.",
        "If the account is not in the list, connect it again.",
    ),
    "expired": (
        "This connection took too long",
        f"A connection must be finished within {MINUTES} minutes.",
        "Connect again, and consent within that time.",
    ),
    "provider": (
        "This connection was begun for another provider",
        "The return does not belong to {provider}.",
        "Connect again from the list of integrations.",
    ),
    "browser": (
        "This connection was begun in another browser",
        f"Only the browser that asked may return, and only with its cookies. {NOT_YOURS}",
        "Connect again in this browser, at {address}.",
    ),
}


def _again(provider: Provider, org_slug: str = "") -> tuple[Link, ...]:
    query = f"?{urlencode({'org': org_slug})}" if org_slug else ""
    again = Link(f"Connect {provider.title} again", f"/connect/{provider.name}/start{query}")
    return (again, Link("Back to integrations", HOME))


def wrong_address(console: Console, provider: Provider) -> Message:
    """The console was opened under an address that the provider does not return to."""
    return Message(
        "Open the console at its own address first",
        f"{provider.title} sends people back to {console.public_url}, but this page was opened elsewhere, "
        "so that the browser would not be recognised on its return.",
        f"Open {console.public_url}{HOME} and connect there, or set BACKLINE_PUBLIC_URL to this address.",
        links=(Link("Open the console there", f"{console.public_url}{HOME}"),),
    )


def refused_state(console: Console, provider: Provider, reason: Refusal) -> Message:
    """The state of a callback is not good here."""
    title, text, cure = REFUSALS[reason]
    text = text.format(provider=provider.title)
    cure = cure.format(address=console.public_url)
    return Message(title, f"{text} {NOTHING_STORED}", cure, links=_again(provider))


def declined(provider: Provider, org_slug: str, error: str) -> Message:
    """The person, or the provider, said no at the consent page."""
    if error == "access_denied":
        return Message(
            "You did not give access",
            f"{provider.title} says that access was declined. {NOTHING_STORED}",
            "If that was a slip, connect again and choose to agree.",
            "warn",
            _again(provider, org_slug),
        )
    name = error if ERROR_NAME.fullmatch(error) else "an error"
    return Message(
        f"{provider.title} broke off",
        f"It returned {name} instead of a code. {NOTHING_STORED}",
        "Connect again; if it lasts, compare the app's settings in the provider's developer console.",
        links=_again(provider, org_slug),
    )


def no_code(provider: Provider, org_slug: str) -> Message:
    """The provider returned without a code."""
    text = f"{provider.title} sent you back without the code that proves your consent. {NOTHING_STORED}"
    return Message("The return is not complete", text, "Connect again.", links=_again(provider, org_slug))


def failed(provider: Provider, org_slug: str, error: ProviderError) -> Message:
    """The code could not be exchanged, or the fresh grant does not work."""
    cure = error.cure
    if isinstance(error, GrantExpired):
        cure = "Connect again; a code is good once, and for a few minutes."
    elif isinstance(error, PermissionMissing):
        cure = (
            f"Add this person to the app's users in {provider.title}'s developer console "
            "(an app in development mode serves only those listed), then connect again."
        )
    elif isinstance(error, ParkingError):
        cure = "Wait until then, and connect again."
    elif not isinstance(error, AppRefused):
        cure = f"Connect again in a minute; if it lasts, look at {provider.title}'s status page."
    where = f" at {error.path}" if error.path else ""
    said = "did not answer" if isinstance(error, Transient) else "said no"
    text = f"{provider.title} {said}{where}: {error.problem.rstrip('.')}. {NOTHING_STORED}"
    return Message(f"{provider.title} could not be connected", text, cure, links=_again(provider, org_slug))


def other_person(provider: Provider, external_id: str, name: str) -> Message:
    """Somebody else consented than the account to be reconnected."""
    return Message(
        "That is another account",
        f"{provider.title} says that you are signed in as {name}, but the account to be reconnected is "
        f"{external_id}. {NOTHING_STORED}",
        f"Sign out at {provider.title}, then reconnect and sign in as the right account. "
        "To add this one instead, connect it as a new account.",
        "warn",
        (
            Link("Back to integrations", HOME),
            Link("Connect a new account", f"/connect/{provider.name}/start"),
        ),
    )
