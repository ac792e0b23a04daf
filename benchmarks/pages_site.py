"""A local site for the page benchmark: ``python -m benchmarks.pages_site PORT``.

A page has 500 KB and 30 parts: 8 scripts, one of which builds what a reader looks for, 4 stylesheets, 14
images, 2 fonts, a video and an answer that a script asks for. One page in twenty has another layout.
"""

from __future__ import annotations

import sys

from aiohttp import web

IMAGES, SCRIPTS, STYLES, FONTS = 14, 8, 4, 2
ROWS = 5_200
CHANGED_EVERY = 20
FILLER = b"/*" + b"z" * 30_000 + b"*/"


def _document(number: int) -> str:
    styles = "".join(f'<link rel="stylesheet" href="/style-{part}.css">' for part in range(STYLES))
    faces = "".join(
        f"@font-face{{font-family:f{part};src:url(/font-{part}.woff2)}}.f{part}{{font-family:f{part}}}"
        for part in range(FONTS)
    )
    images = "".join(f'<img src="/image-{part}.jpg" width="9" height="9">' for part in range(IMAGES))
    rows = "".join(
        f'<div class="row f{row % FONTS}"><a href="/x/{row}">Row {row}</a> with some words in it</div>'
        for row in range(ROWS)
    )
    scripts = "".join(f'<script src="/script-{part}.js"></script>' for part in range(SCRIPTS))
    name = "figure" if number % CHANGED_EVERY == 0 else "count"
    return (
        f"<!doctype html><html><head><title>Page</title>{styles}<style>{faces}</style></head><body>{images}"
        f'<video src="/clip.mp4" preload="auto"></video><p id="{name}" data-value="{number}"></p>'
        f"{rows}{scripts}</body></html>"
    )


DOCUMENTS = {number: _document(number).encode() for number in range(CHANGED_EVERY)}
STYLE = b"".join(b".row:nth-child(%d){color:rgb(%d,0,0)}" % (row, row % 256) for row in range(20)) + FILLER
SCRIPT = b"let sum=0;for(let i=0;i<300000;i++){sum=(sum*31+i)%1000003}" + FILLER
LAST_SCRIPT = (
    b"const p=document.querySelector('[data-value]');p.textContent=p.dataset.value+' listeners';"
    b"fetch('/answer.json').then(a=>a.json());" + SCRIPT
)


async def _page(request: web.Request) -> web.Response:
    return web.Response(
        body=DOCUMENTS[int(request.match_info["number"]) % CHANGED_EVERY], content_type="text/html"
    )


async def _part(request: web.Request) -> web.Response:
    name = request.path
    if name.endswith(".js"):
        body = LAST_SCRIPT if name == f"/script-{SCRIPTS - 1}.js" else SCRIPT
        return web.Response(body=body, content_type="text/javascript")
    if name.endswith(".css"):
        return web.Response(body=STYLE, content_type="text/css")
    if name.endswith(".json"):
        return web.json_response({"count": 1})
    if name.endswith((".jpg", ".woff2", ".mp4")):
        return web.Response(body=FILLER, content_type="application/octet-stream")
    return web.Response(status=404)


def main(port: int) -> None:
    app = web.Application()
    app.add_routes([web.get("/page/{number}", _page), web.get("/{part:.*}", _part)])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main(int(sys.argv[1]))
