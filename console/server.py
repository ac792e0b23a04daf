"""The console's server: uvicorn on this machine only, without its access log.

uvicorn would log whole addresses, and with them the code and state of every OAuth callback; the
console's own access log (:mod:`console.guard`) names method, path, status and time instead.
"""

import copy
import sys
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.config import LOGGING_CONFIG

from console.app import create_app
from console.guard import LOOPBACK
from resources.backline import Backline
from resources.errors import InputRefused
from resources.people import links, users

RELOAD_TARGET = "console.app:app_from_environment"
FOLDERS = Path(__file__).resolve().parent.parent
SHUTDOWN_SECONDS = 5


def serve(
    backline: Backline,
    host: str = "127.0.0.1",
    port: int = 8700,
    *,
    reload: bool = False,
    trust_network: bool = False,
) -> None:
    """Serve until interrupted; with ``reload`` the settings come from the environment alone.

    Raises ``InputRefused`` for a host that others could reach, unless ``trust_network`` says that
    something in front speaks TLS to them: passwords would cross the network in the open.
    """
    if not trust_network:
        _refuse_others(host)
    tell_how_to_log_in(backline)
    app = RELOAD_TARGET if reload else create_app(backline)
    uvicorn.run(
        app,
        factory=reload,
        host=host,
        port=port,
        reload=reload,
        reload_dirs=[str(FOLDERS / name) for name in ("console", "resources")] if reload else None,
        access_log=False,
        log_config=log_config(),
        server_header=False,
        proxy_headers=False,  # uvicorn would believe what any local process says of where it comes from
        log_level="info",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _refuse_others(host: str) -> None:
    if host not in LOOPBACK:
        problem = f"{host!r} can be reached by others, and the console itself speaks no TLS"
        cure = "use 127.0.0.1 and a proxy or an SSH tunnel, or --trust-network where such stands in front"
        raise InputRefused("host", problem, cure)


def tell_how_to_log_in(backline: Backline) -> None:
    """Say how the first person gets in: on the embedded default by a one-time link, as Jupyter's.

    Nothing is said once an admin has a password, nor where the database is not ready, which /readyz tells.
    """
    try:
        if backline.settings.environment == "production":
            with backline.database.read() as connection:
                missing = users.admins(connection) == 0
            said = (
                "Nobody can log in yet. Add an admin: backline users add NAME --role admin" if missing else ""
            )
        else:
            proof = links.first(backline.database)
            said = f"Log in once by {links.address(backline.settings.public_url, proof)}" if proof else ""
    except SQLAlchemyError:
        return
    if said:
        sys.stderr.write(f"{said}\n")
        sys.stderr.flush()


def log_config() -> dict[str, Any]:
    """Return uvicorn's, with the console's lines shown and those of HTTP clients kept out.

    Some providers take secrets in the address, which httpx logs.
    """
    config = copy.deepcopy(LOGGING_CONFIG)
    config["loggers"] |= {"console": {"handlers": ["default"], "level": "INFO", "propagate": False}}
    config["loggers"] |= {name: {"level": "WARNING"} for name in ("httpx", "httpcore")}
    return config
