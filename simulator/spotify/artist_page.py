"""The artist page: a shell whose script asks for the numbers and shows them, as the web player does."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from simulator import names
from simulator.mixing import mix
from simulator.sites.document import base64_json, json_in_script, named, properties
from simulator.sites.printing import compact
from simulator.spotify.artist_figures import Figures
from simulator.spotify.catalogue import ALBUM_PLACES, IMAGE_URL, OPEN_URL, TRACK_PLACES
from simulator.spotify.ids import make_id

QUERY_PATH, OLD_QUERY_PATH = "/pathfinder/v2/query", "/pathfinder/v1/query"
OVERVIEW, RELATED = "queryArtistOverview", "queryArtistRelated"
DESCRIPTIONS = {
    "next_layout": "Artist · heard by {count} people this month.",
    "": "Artist · {count} monthly listeners.",
}
SCRIPT = """
const ask = (name) => {ask};
const show = (artist) => {
  const main = document.getElementById("main");
  if (artist.__typename !== "Artist") { main.textContent = "We couldn't find that artist."; return; }
  const heading = document.createElement("div");
  heading.innerHTML = '<span dir="auto" data-testid="entityTitle"><h1 dir="auto"></h1></span><span></span>';
  heading.querySelector("h1").textContent = artist.profile.name;
  const said = (count, words) => count.toLocaleString("en-US") + words;
  heading.lastChild.textContent = artist.stats
    ? said(artist.stats.monthlyListeners, " monthly listeners")
    : said(artist.audience.listenersThisMonth, " people this month");
  main.replaceChildren(heading);
};
const numbers = () => ask("queryArtistOverview").then((answer) => show(answer.data.artistUnion));
const others = () => ask("queryArtistRelated");
if (LATE_MS) others().then(() => setTimeout(numbers, LATE_MS)); else numbers().then(others);
"""
POST = """fetch(PREFIX + "/pathfinder/v2/query", {
  method: "POST", headers: {"content-type": "application/json;charset=UTF-8"},
  body: JSON.stringify({variables: {uri: URI, locale: ""}, operationName: name, extensions: EXTENSIONS}),
}).then((answer) => answer.json())"""
GET = """fetch(PREFIX + "/pathfinder/v1/query?" + new URLSearchParams({operationName: name,
  variables: JSON.stringify({uri: URI, locale: ""}), extensions: JSON.stringify(EXTENSIONS),
})).then((answer) => answer.json())"""


class Artist(NamedTuple):
    """Whose page it is: ``number`` is ``None`` where the id is nobody's."""

    id: str
    number: int | None

    @property
    def name(self) -> str:
        """What the artist is called."""
        return "" if self.number is None else names.artist_name(self.number)

    @property
    def uri(self) -> str:
        """The artist's URI."""
        return f"spotify:artist:{self.id}"


class Shell(NamedTuple):
    """How a page is built: below which prefix it asks, in which layout, and how late for its numbers."""

    prefix: str
    layout: str = ""
    late_seconds: float = 0.0

    @property
    def is_old(self) -> bool:
        """Whether it is of 2022."""
        return self.layout == "old_layout"


class Head(NamedTuple):
    """What the head of a page says of its subject; ``place`` is its path, ``kind`` its ``og:type``."""

    title: str
    name: str
    description: str
    place: str
    kind: str
    picture: int

    @property
    def listen(self) -> str:
        """The description for search engines."""
        return f"Listen to {self.name} on Spotify. {self.description}"

    def html(self) -> str:
        """Return the elements."""
        address, app = f"{OPEN_URL}/{self.place}", f"spotify://{self.place}"
        opened = {
            "og:site_name": "Spotify",
            "og:title": self.name,
            "og:description": self.description,
            "og:url": address,
            "og:image": f"{IMAGE_URL}/ab6761610000e5eb{self.picture:016x}",
            "og:type": self.kind,
        }
        others = {
            "description": self.listen,
            "al:android:url": app,
            "al:ios:url": app,
            "twitter:title": self.name,
            "twitter:description": self.description,
            "twitter:card": "summary",
        }
        link = f'<link rel="canonical" href="{address}">'
        return f"<title>{escape(self.title)}</title>{named(others)}{properties(opened)}{link}"


def artist_page(artist: Artist, figures: Figures, shell: Shell) -> str:
    """Return the shell of an artist's page."""
    title = f"Spotify – {artist.name}" if shell.is_old else f"{artist.name} | Spotify"
    head = _artist_head(artist, figures, title, shell.layout)
    described = {"@type": "MusicGroup", "name": artist.name, "description": head.listen}
    linked = f'<script type="application/ld+json">{json_in_script(described)}</script>'
    state = _old_state() if shell.is_old else _state(artist)
    return _document(head.html() + linked, state + _script(artist.uri, shell))


def missing_page(artist: Artist, prefix: str) -> str:
    """Return the shell for an id that is nobody's: nothing of an artist in it, and the query finds none."""
    head = "<title>Spotify – Web Player</title>" + properties({"og:site_name": "Spotify"})
    return _document(head, _state(artist) + _script(artist.uri, Shell(prefix)))


def track_page(artist: int) -> str:
    """Return the page of an artist's hit, which is sound and no artist's."""
    track = artist * ALBUM_PLACES * TRACK_PLACES
    title, by = names.title(track), names.artist_name(artist)
    place = f"track/{make_id('track', track)}"
    named_after = f"{title} - song and lyrics by {by} | Spotify"
    head = Head(named_after, title, f"{by} · Song · 2019", place, "music.song", mix(277, track))
    return _document(
        head.html(), "", f'<span data-testid="entityTitle"><h1 dir="auto">{escape(title)}</h1></span>'
    )


def unsupported_page(artist: Artist, figures: Figures) -> str:
    """Return what a browser that Spotify does not want is shown: the head of the page, and a refusal."""
    head = _artist_head(artist, figures, "Unsupported browser", "").html()
    body = (
        '<div id="root"><div class="content"><h1>Unsupported browser</h1>'
        '<p>This player does not run in your browser.</p><a href="#">Get the App</a></div></div>'
    )
    return f'<!DOCTYPE html><html lang="en" dir="ltr"><head>{head}</head><body>{body}</body></html>'


def _artist_head(artist: Artist, figures: Figures, title: str, layout: str) -> Head:
    count = compact(figures.monthly_listeners, 2)
    description = DESCRIPTIONS.get(layout, DESCRIPTIONS[""]).format(count=count)
    picture = mix(273, artist.number or 0)
    return Head(title, artist.name, description, f"artist/{artist.id}", "profile", picture)


def _document(head: str, scripts: str, main: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="en" dir="ltr"><head><meta charset="utf-8">{head}</head>'
        f'<body><div id="main">{main}</div>{scripts}</body></html>'
    )


def _state(artist: Artist) -> str:
    """Return what a page of 2025 carries: the settings of the player, and what it knows without numbers."""
    config = {
        "appName": "web_player_prototype",
        "market": "US",
        "locale": {"locale": "en", "rtl": False, "textDirection": "ltr"},
        "isAnonymous": True,
        "clientVersion": "1.2.77.1.simulated",
    }
    entity = {"__typename": "Artist", "uri": artist.uri, "id": artist.id, "profile": {"name": artist.name}}
    items = {} if artist.number is None else {artist.uri: entity}
    return _plain("appServerConfig", config) + _plain("initialState", {"entities": {"items": items}})


def _plain(name: str, value: object) -> str:
    return f'<script id="{name}" type="text/plain">{base64_json(value)}</script>'


def _old_state() -> str:
    """Return what a page of 2022 carries."""
    parts = {
        "config": {"appName": "web_player_prototype", "market": "US", "isAnonymous": True},
        "session": {"accessToken": "simulated", "isAnonymous": True, "clientId": "simulated"},
        "features": {"enableShows": True},
    }
    return "".join(
        f'<script id="{name}" type="application/json">{json_in_script(value)}</script>'
        for name, value in parts.items()
    )


def _script(uri: str, shell: Shell) -> str:
    values = {
        "PREFIX": shell.prefix,
        "URI": uri,
        "EXTENSIONS": {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}},
        "LATE_MS": int(shell.late_seconds * 1_000),
    }
    constants = "".join(f"const {name} = {json_in_script(value)};" for name, value in values.items())
    return f"<script>{constants}{SCRIPT.replace('{ask}', GET if shell.is_old else POST)}</script>"
