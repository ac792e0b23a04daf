"""The HTML of YouTube's public pages: channels, the consent page, and the page for too many requests."""

from __future__ import annotations

from html import escape
from typing import Any

from simulator.sites.document import json_in_script, properties
from simulator.youtube.initial_data import SITE
from simulator.youtube.shown import Channel

CLIENT_VERSION = "2.20261119.01.00"
SCRIPT = """
const text = (node) => node === undefined ? "" : node.content || node.simpleText || "";
const rows = [];
const walk = (node) => {
  if (node && typeof node === "object") {
    if (node.metadataParts) rows.push(node.metadataParts.map((part) => text(part.text)).join(" • "));
    Object.values(node).forEach(walk);
  }
};
walk(ytInitialData.header);
(ytInitialData.alerts || []).forEach((alert) => rows.push(text(alert.alertRenderer.text)));
const shown = document.getElementById("shown");
for (const row of [document.title, ...rows]) {
  const line = document.createElement("p");
  line.textContent = row;
  shown.append(line);
}
"""


def channel_html(shown: Channel, initial_data: dict[str, Any], hl: str, gl: str) -> str:
    """Return a channel's page around its data."""
    address = f"{SITE}/channel/{shown.id}"
    opened = {
        "og:title": shown.title,
        "og:site_name": "YouTube",
        "og:url": address,
        "og:description": shown.description,
        "og:type": "profile",
    }
    feed = f"{SITE}/feeds/videos.xml?channel_id={shown.id}"
    head = (
        f'<title>{escape(shown.title)} - YouTube</title><link rel="canonical" href="{address}">'
        f'<link rel="alternate" type="application/rss+xml" title="RSS" href="{feed}">{properties(opened)}'
    )
    return document(head, initial_data, hl, gl)


def document(head: str, initial_data: dict[str, Any], hl: str, gl: str) -> str:
    """Return a page around its data, in the order in which real ones have their scripts."""
    client = {"hl": hl, "gl": gl, "clientName": "WEB", "clientVersion": CLIENT_VERSION}
    config = {
        "HL": hl,
        "GL": gl,
        "LOGGED_IN": False,
        "INNERTUBE_CLIENT_VERSION": CLIENT_VERSION,
        "INNERTUBE_CONTEXT": {"client": client},
    }
    setter = "var ytcfg={data_:{},set:function(o){Object.assign(ytcfg.data_,o)}};"
    return (
        f'<!DOCTYPE html><html style="font-size: 10px;" lang="{hl}"><head><meta charset="utf-8">'
        f"<script>{setter}ytcfg.set({json_in_script(config)});</script>{head}</head><body>"
        f'<div id="shown"></div><script>var ytInitialData = {json_in_script(initial_data)};</script>'
        f"<script>{SCRIPT}</script></body></html>"
    )


def consent_html(target: str, hl: str, gl: str) -> str:
    """Return the page that asks for a choice of cookies before it lets anybody go on to ``target``."""
    fields = {"gl": gl, "m": "false", "pc": "yt", "continue": target, "hl": hl, "src": "1"}
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
    )
    forms = "".join(
        f'<form action="https://consent.youtube.com/s" method="POST">{hidden}<button>{choice}</button></form>'
        for choice in ("Reject all", "Accept all")
    )
    return (
        f'<!doctype html><html lang="{hl}" dir="ltr"><head><base href="https://consent.youtube.com/">'
        '<link rel="canonical" href="https://consent.youtube.com/m">'
        f"<title>Before you go on to YouTube</title></head><body><h1>Choose first</h1>{forms}</body></html>"
    )


def sorry_html(target: str) -> str:
    """Return what somebody who asked too often is shown: a form in place of the page."""
    return (
        f"<html><head><title>{escape(target)}</title></head><body>"
        '<form id="captcha-form" action="index" method="post">'
        f'<input type="hidden" name="continue" value="{escape(target)}"></form>'
        '<div id="infoDiv0">Too many requests came from your network.</div></body></html>'
    )
