"""The page of the audit log, and its export."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, StreamingResponse

from console.audit_log import COLUMNS, AuditAddress, AuditFilter, as_csv, as_json, exported, list_entries
from console.pages import AUDIT, page
from console.parts import ConsolePart
from resources.database import AnyRow

router = APIRouter(include_in_schema=False, prefix=AUDIT)


class Format(NamedTuple):
    """How entries are exported."""

    media_type: str
    head: tuple[str, ...]
    write: Callable[[AnyRow], str]


FORMATS: Mapping[str, Format] = {
    "csv": Format("text/csv; charset=utf-8", (",".join(COLUMNS) + "\r\n",), as_csv),
    "jsonl": Format("application/x-ndjson", (), as_json),
}


class ExportAddress(AuditFilter):
    """A filter, and the format of what it finds."""

    format: Literal["csv", "jsonl"] = "csv"


@router.get("")
def show_audit(console: ConsolePart, address: Annotated[AuditAddress, Query()]) -> HTMLResponse:
    """Show who did what to which thing, the newest first."""
    found = list_entries(console.backline.database, address)
    return page("audit.html", address=address, found=found)


@router.get("/export")
def export_audit(console: ConsolePart, wanted: Annotated[ExportAddress, Query()]) -> StreamingResponse:
    """Export every entry that the filter finds."""
    chosen = FORMATS[wanted.format]
    lines: Iterator[str] = chain(chosen.head, exported(console.backline.database, wanted, chosen.write))
    name = f'attachment; filename="audit.{wanted.format}"'
    headers = {"content-disposition": name, "cache-control": "no-store"}
    return StreamingResponse(lines, media_type=chosen.media_type, headers=headers)
