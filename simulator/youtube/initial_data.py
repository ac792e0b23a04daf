"""``ytInitialData`` of a channel's Videos tab, in the layouts since 2024-07, of 2021 and of a day to come."""

from __future__ import annotations

from typing import Any

from simulator.youtube.shown import SUBSCRIBER_DIGITS, Channel, ShownVideo, short_count

SITE = "https://www.youtube.com"
PICTURES = "https://yt3.googleusercontent.com"
TABS = ("Home", "Videos", "Shorts", "Playlists")
CONTINUATION = {
    "continuationItemRenderer": {
        "trigger": "CONTINUATION_TRIGGER_ON_ITEM_SHOWN",
        "continuationEndpoint": {"continuationCommand": {"token": "simulated"}},
    }
}
WORDS = {"K": "thousand", "M": "million", "B": "billion"}


def initial_data(shown: Channel, *, layout: str, lower: bool) -> dict[str, Any]:
    """Return the data of a channel's page; ``lower`` writes ``5.04m`` for ``5.04M``."""
    old = layout == "old_layout"
    items = [_grid_video(video) if old else _rich_item(video, lower=lower) for video in shown.grid]
    items += [CONTINUATION] if shown.has_more else []
    return {
        "responseContext": {"mainAppWebResponseContext": {"loggedOut": True}},
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": _tabs(shown, items, old=old)}},
        "header": _old_header(shown) if old else _header(shown, lower=lower, moved=layout == "next_layout"),
        "metadata": {"channelMetadataRenderer": _metadata(shown)},
        "microformat": {
            "microformatDataRenderer": {
                "urlCanonical": f"{SITE}/channel/{shown.id}",
                "title": shown.title,
                "description": shown.description,
                "noindex": False,
                "familySafe": True,
            }
        },
    }


def alert_data(channel: str, text: str) -> dict[str, Any]:
    """Return the data of a page whose channel is not there: an empty header of the old kind, and an alert."""
    picture = {"url": f"{PICTURES}/a/default-user=s100", "width": 100, "height": 100}
    return {
        "responseContext": {"mainAppWebResponseContext": {"loggedOut": True}},
        "header": {"c4TabbedHeaderRenderer": {"channelId": channel, "avatar": {"thumbnails": [picture]}}},
        "alerts": [{"alertRenderer": {"type": "ERROR", "text": {"simpleText": text}}}],
    }


def age_gate_data(title: str) -> dict[str, Any]:
    """Return the data of a channel that only people of a certain age see, once they signed in."""
    gate = {
        "channelTitle": title,
        "header": {"runs": [{"text": "Only for those who are old enough"}]},
        "mainText": {"runs": [{"text": "Sign in, so that we know your age."}]},
        "signInButton": {"buttonRenderer": {"style": "STYLE_BRAND", "text": {"runs": [{"text": "Sign in"}]}}},
    }
    content = {"sectionListRenderer": {"contents": [{"channelAgeGateRenderer": gate}]}}
    tabs = [{"tabRenderer": {"selected": True, "content": content}}]
    return {
        "responseContext": {"mainAppWebResponseContext": {"loggedOut": True}},
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": tabs}},
    }


def _metadata(shown: Channel) -> dict[str, Any]:
    return {
        "title": shown.title,
        "description": shown.description,
        "rssUrl": f"{SITE}/feeds/videos.xml?channel_id={shown.id}",
        "externalId": shown.id,
        "ownerUrls": [f"{SITE}/{shown.handle}"],
        "avatar": {"thumbnails": [{"url": f"{PICTURES}/{shown.id}=s900", "width": 900, "height": 900}]},
        "channelUrl": f"{SITE}/channel/{shown.id}",
        "isFamilySafe": True,
        "vanityChannelUrl": f"{SITE}/{shown.handle}",
    }


def _header(shown: Channel, *, lower: bool, moved: bool) -> dict[str, Any]:
    """Return the header; of a layout to come its rows are cards, of which no reader knows yet."""
    rows = {"metadataRows": [{"metadataParts": parts} for parts in _rows(shown, lower=lower)]}
    metadata = {"contentMetadataViewModel": {**rows, "delimiter": "•"}}
    if moved:
        cards = [part["text"] for row in _rows(shown, lower=lower)[1:] for part in row]
        metadata = {"factCardsViewModel": {"cards": cards}}
    view = {
        "title": {"dynamicTextViewModel": {"text": {"content": shown.title}, "maxLines": 2}},
        "metadata": metadata,
        "description": {"descriptionPreviewViewModel": {"description": {"content": shown.description}}},
    }
    return {"pageHeaderRenderer": {"pageTitle": shown.title, "content": {"pageHeaderViewModel": view}}}


def _rows(shown: Channel, *, lower: bool) -> list[list[dict[str, Any]]]:
    """Return who it is, then what is counted."""
    who = [_part(shown.handle), *([_part(shown.pronouns)] if shown.pronouns else [])]
    text = short_count(shown.subscribers, "subscriber", lower=lower, digits=SUBSCRIBER_DIGITS)
    subscribers = {**_part(text), "accessibilityLabel": _aloud(text)}
    return [who, [subscribers, _part(short_count(shown.videos, "video", lower=lower))]]


def _part(text: str) -> dict[str, Any]:
    return {"text": {"content": text}}


def _aloud(text: str) -> str:
    number, _, noun = text.partition(" ")
    word = WORDS.get(number[-1:].upper())
    return f"{number[:-1]} {word} {noun}" if word else text


def _tabs(shown: Channel, items: list[dict[str, Any]], *, old: bool) -> list[dict[str, Any]]:
    grid: dict[str, Any] = {"richGridRenderer": {"contents": items, "style": "RICH_GRID_STYLE_SLIM"}}
    if old:
        section = {"itemSectionRenderer": {"contents": [{"gridRenderer": {"items": items}}]}}
        grid = {"sectionListRenderer": {"contents": [section]}}
    return [
        {
            "tabRenderer": {
                "endpoint": {
                    "browseEndpoint": {"browseId": shown.id, "canonicalBaseUrl": f"/{shown.handle}"}
                },
                "title": title,
                **({"selected": True, "content": grid} if title == "Videos" else {}),
            }
        }
        for title in TABS
    ]


def _picture(video: ShownVideo) -> dict[str, Any]:
    return {"url": f"https://i.ytimg.com/vi/{video.id}/hqdefault.jpg", "width": 336, "height": 188}


def _rich_item(video: ShownVideo, *, lower: bool) -> dict[str, Any]:
    """Return a video as pages of 2026 have it: its views are rounded, and nowhere else."""
    parts = [_part(short_count(video.views, "view", lower=lower)), _part(video.age)]
    badge = {"thumbnailBadgeViewModel": {"text": video.length}}
    lockup = {
        "contentImage": {
            "thumbnailViewModel": {
                "image": {"sources": [_picture(video)]},
                "overlays": [{"thumbnailBottomOverlayViewModel": {"badges": [badge]}}],
            }
        },
        "metadata": {
            "lockupMetadataViewModel": {
                "title": {"content": video.title},
                "metadata": {
                    "contentMetadataViewModel": {
                        "metadataRows": [{"metadataParts": parts}],
                        "delimiter": " • ",
                    }
                },
            }
        },
        "contentId": video.id,
        "contentType": "LOCKUP_CONTENT_TYPE_VIDEO",
    }
    return {"richItemRenderer": {"content": {"lockupViewModel": lockup}}}


def _grid_video(video: ShownVideo) -> dict[str, Any]:
    return {
        "gridVideoRenderer": {
            "videoId": video.id,
            "thumbnail": {"thumbnails": [_picture(video)]},
            "title": {"runs": [{"text": video.title}]},
            "publishedTimeText": {"simpleText": video.age},
            "viewCountText": {"simpleText": video.exact_views},
            "shortViewCountText": {"simpleText": short_count(video.views, "view", lower=False)},
        }
    }


def _old_header(shown: Channel) -> dict[str, Any]:
    text = short_count(shown.subscribers, "subscriber", lower=False, digits=SUBSCRIBER_DIGITS)
    count = {"accessibility": {"accessibilityData": {"label": _aloud(text)}}, "simpleText": text}
    header = {"channelId": shown.id, "title": shown.title, "subscriberCountText": count}
    return {"c4TabbedHeaderRenderer": header}
