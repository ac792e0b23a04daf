"""Whom a site sees: one profile that agrees with itself and with the real engine, and its own cookies.

User agent, client hints and JavaScript's ``navigator`` say the same on both ways: Chromium, in the version
of the binary that is really there, on the real system. Chromium without a window would call itself
``HeadlessChrome``; a user agent with that and hints without it, or the reverse, is what makes a browser
look forged. So neither has it: both name the engine, not its mode. Nothing is hidden beyond that,
``navigator.webdriver`` stays true, and by default the user agent names Backline and whom to write to.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import Cookie
from typing import Any

import httpx

from resources.settings import Settings
from resources.transport import USER_AGENT
from resources.visiting.hosts import registrable

DEFAULT_VERSION = "156.0.8078.79"
"""What the light way says where there is no browser to ask."""
SHORTEST_SECRET = 8
ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
VIEWPORTS = ((1366, 768), (1440, 900), (1536, 864), (1280, 800), (1920, 1080))


@dataclass(frozen=True)
class System:
    """What Chromium says of the system that it runs on."""

    agent: str
    navigator: str
    hint: str


SYSTEMS: Mapping[str, System] = {
    "Linux": System("X11; Linux x86_64", "Linux x86_64", "Linux"),  # frozen to x86_64 by Chromium itself
    "Darwin": System("Macintosh; Intel Mac OS X 10_15_7", "MacIntel", "macOS"),
}


@dataclass(frozen=True)
class Trait:
    """What stays of an identity, whatever engine it uses; it is stored with its cookies."""

    locale: str
    time_zone: str
    width: int
    height: int

    @classmethod
    def of(cls, number: int) -> Trait:
        """Return the traits of an identity that is seen for the first time."""
        width, height = VIEWPORTS[number % len(VIEWPORTS)]
        return cls("en-US", "America/New_York", width, height)


@dataclass(frozen=True)
class Agent:
    """The engine as it names itself: ``version`` as in 156.0.8078.79, ``product`` what stands after it."""

    version: str
    product: str = ""

    @property
    def user_agent(self) -> str:
        """The user agent; only the major version, as Chromium says it."""
        engine = f"Mozilla/5.0 ({_system().agent}) AppleWebKit/537.36 (KHTML, like Gecko)"
        text = f"{engine} Chrome/{self.version.partition('.')[0]}.0.0.0 Safari/537.36"
        return f"{text} {self.product}".rstrip()

    @property
    def override(self) -> dict[str, Any]:
        """The parameters of CDP's ``Emulation.setUserAgentOverride``, but for the language."""
        brands = [{"brand": name, "version": version} for name, version in self._brands(is_full=False)]
        full = [{"brand": name, "version": version} for name, version in self._brands(is_full=True)]
        is_arm = platform.machine().lower() in {"arm64", "aarch64"}
        hints = {"brands": brands, "fullVersionList": full, "platform": _system().hint}
        hints |= {"platformVersion": "", "architecture": "arm" if is_arm else "x86", "bitness": "64"}
        metadata = {**hints, "model": "", "mobile": False, "wow64": False}
        return {
            "userAgent": self.user_agent,
            "platform": _system().navigator,
            "userAgentMetadata": metadata,
        }

    @property
    def hint_headers(self) -> dict[str, str]:
        """The client hints that go with every request."""
        brands = ", ".join(f'"{name}";v="{version}"' for name, version in self._brands(is_full=False))
        return {"sec-ch-ua": brands, "sec-ch-ua-mobile": "?0", "sec-ch-ua-platform": f'"{_system().hint}"'}

    def _brands(self, *, is_full: bool) -> list[tuple[str, str]]:
        """Return the engine's brand and one that means nothing, as every Chromium adds one."""
        version = self.version if is_full else self.version.partition(".")[0]
        return [("Chromium", version), ("Not:A-Brand", "8.0.0.0" if is_full else "8")]


@functools.cache
def _system() -> System:
    return SYSTEMS.get(platform.system(), SYSTEMS["Linux"])


def product_of(settings: Settings) -> str:
    """Return what the user agent says of Backline and of who answers for the visits; empty where unset."""
    if not settings.scraper_identify:
        return ""
    contact = "".join(
        letter for letter in settings.scraper_contact if letter.isprintable() and letter.isascii()
    )
    return f"{USER_AGENT} (+{contact.strip()})" if contact.strip() else USER_AGENT


class Identity:
    """One visitor as a site knows it: a name, traits, an agent, and a jar of cookies that both ways share."""

    def __init__(self, name: str, trait: Trait, agent: Agent) -> None:
        self.name, self.trait, self.agent = name, trait, agent
        self.jar = httpx.Cookies()

    def __repr__(self) -> str:
        return f"Identity({self.name})"

    def headers(self) -> dict[str, str]:
        """Return the headers of a plain request, those of the browser's own navigation."""
        return {
            **self.agent.hint_headers,
            "upgrade-insecure-requests": "1",
            "user-agent": self.agent.user_agent,
            "accept-language": self.trait.locale,
            "accept": ACCEPT,
            "sec-fetch-site": "none",
            "sec-fetch-mode": "navigate",
            "sec-fetch-user": "?1",
            "sec-fetch-dest": "document",
        }

    def cookies(self) -> list[dict[str, Any]]:
        """Return the cookies as a browser's context takes them; an ``expires`` of -1 means the session."""
        return [_to_browser(cookie) for cookie in self.jar.jar if not cookie.is_expired()]

    def take(self, cookies: Sequence[Mapping[str, Any]]) -> None:
        """Keep the cookies that a browser's context, or a stored profile, holds."""
        for cookie in cookies:
            self.jar.jar.set_cookie(_from_browser(cookie))

    def prefer(self, cookies: Mapping[str, str], host: str) -> None:
        """Set a site's declared cookies, for all its hosts, but for those that it has set anew itself."""
        domain = registrable(host)
        spans_hosts = domain != host  # an address, or a name without a domain, has no further hosts
        known = {cookie.name for cookie in self.jar.jar}
        rest = {"domain": f".{domain}" if spans_hosts else host, "path": "/", "expires": -1}
        flags = {"httpOnly": False, "secure": False}
        new = {name: value for name, value in cookies.items() if name not in known}
        self.take([{"name": name, "value": value, **rest, **flags} for name, value in new.items()])

    def secrets(self) -> frozenset[str]:
        """Return the values of cookies that are long enough to be secrets."""
        values = (cookie.value or "" for cookie in self.jar.jar)
        return frozenset(value for value in values if len(value) >= SHORTEST_SECRET)


def _to_browser(cookie: Cookie) -> dict[str, Any]:
    return {
        "name": cookie.name,
        "value": cookie.value or "",
        "domain": cookie.domain.removesuffix(".local"),  # the jar's way to write a name without a dot
        "path": cookie.path or "/",
        "expires": float(cookie.expires) if cookie.expires else -1.0,
        "httpOnly": cookie.has_nonstandard_attr("HttpOnly"),
        "secure": bool(cookie.secure),
    }


def _from_browser(cookie: Mapping[str, Any]) -> Cookie:
    domain, expires = cookie["domain"], int(cookie["expires"])
    if "." not in domain:
        domain = f"{domain}.local"
    return Cookie(
        version=0,
        name=cookie["name"],
        value=cookie["value"],
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=domain.startswith("."),
        domain_initial_dot=domain.startswith("."),
        path=cookie["path"],
        path_specified=True,
        secure=cookie["secure"],
        expires=expires if expires > 0 else None,
        discard=expires <= 0,
        comment=None,
        comment_url=None,
        rest={"HttpOnly": ""} if cookie["httpOnly"] else {},
    )
