"""One n8n as a child of this process: set up without a browser, started, waited for, ended."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

import click
import httpx
from pydantic import SecretStr

from pipelines.n8n_server import executions
from pipelines.n8n_server.installation import CommandError, Installation, Say, given, install
from pipelines.n8n_server.owner import Owner
from pipelines.processes import free_port
from resources.errors import InputRefused
from resources.n8n import credential, push
from resources.n8n.declared import FOLDER as WORKFLOWS
from resources.n8n.declared import declared
from resources.n8n.place import Embedded, read_embedded, remember_embedded
from resources.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType

CREDENTIAL = {"id": credential.ID, "name": credential.NAME, "type": credential.TYPE}
OWNER = "owner@example.com"
START_SECONDS, STOP_SECONDS = 120, 20
QUIET = {
    "EXTERNAL_FRONTEND_HOOKS_URLS": "",
    "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_DISABLED_MODULES": "chat-hub,instance-ai,mcp,mcp-registry,quick-connect,workflow-builder",
    "N8N_DYNAMIC_BANNERS_ENABLED": "false",
    "N8N_LICENSE_AUTO_RENEW_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
}
HASH_SCRIPT = """
const {hashSync} = require(require.resolve('bcryptjs', {paths: ['node_modules/n8n']}));
process.stdout.write(hashSync(require('fs').readFileSync(0, 'utf8'), 10));
"""


class N8nServer:
    """n8n with this repository's workflows and the settings' signing secret.

    State stands in ``home`` (default: ``HOME/n8n``); n8n itself in the settings' ``n8n_install``, or
    else in ``home`` too. As a context manager it is installed and started, and stopped at the end.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        home: Path | None = None,
        port: int | None = None,
        workflows: Path = WORKFLOWS,
        say: Say = click.echo,
    ) -> None:
        self.settings, self.say, self.workflows = settings, say, workflows
        self.home = (home or settings.home / "n8n").absolute()
        self.port = port or settings.n8n_port
        self.log = self.home / "n8n.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._installation: Installation | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The base address, for ``BACKLINE_N8N_URL``."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def owner_password(self) -> str:
        """The password of the owner account, made once; a secret, kept in ``home`` with mode 0600."""
        path = self.home / "owner_password"
        if not path.exists():
            self.home.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(f"Aa1{secrets.token_urlsafe(18)}\n", encoding="utf-8")
        return path.read_text(encoding="utf-8").strip()

    def install(self) -> Installation:
        """Find the n8n that the settings name, or install one."""
        if self._installation is None:
            elsewhere = self.settings.n8n_install
            self._installation = given(elsewhere) if elsewhere else install(self.home, self.say)
        return self._installation

    def start(self) -> None:
        """Import the secret, start n8n, push the workflows, and return when their webhooks verify."""
        if self._child is not None:
            return
        self._refuse_a_taken_port()
        self.install()
        self.home.mkdir(parents=True, exist_ok=True)
        environment = self._environment()
        self.say("Setting up n8n …")
        self._import_secret(environment)
        environment["N8N_RUNNERS_BROKER_PORT"] = str(free_port())  # only n8n's own runners call there
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(  # noqa: S603 - Node and n8n
                self._command("start"),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
            self._push()
            self._wait_until_webhooks_verify()
        except BaseException:
            self.stop()
            raise

    def wait(self) -> None:
        """Return when stopped; raise ``CommandError`` where n8n ends by itself."""
        if self._child is not None and self._child.wait() is not None:
            raise CommandError("n8n", self.log)

    def stop(self) -> None:
        """End n8n and its children, and return when they have ended."""
        child, self._child = self._child, None
        if child is None:
            return
        _signal_group(child.pid, signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _signal_group(child.pid, signal.SIGKILL)
            child.wait()

    def executions(self) -> tuple[executions.Execution, ...]:
        """Return what n8n has done so far, oldest first."""
        return executions.read(self.home / "user" / ".n8n" / "database.sqlite")

    def _refuse_a_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.port))
            except OSError as error:
                raise InputRefused(
                    "BACKLINE_N8N_PORT",
                    f"port {self.port} is taken",
                    "stop what listens there, or set another port",
                ) from error

    def _command(self, *arguments: str) -> list[str]:
        found = self.install()
        return [str(found.node), str(found.n8n), *arguments]

    def _environment(self) -> dict[str, str]:
        """Return all that n8n sees: none of our own environment, whose secrets its nodes could read."""
        node = self.install().node
        return {
            **QUIET,
            "PATH": os.pathsep.join([str(node.parent), *os.get_exec_path()]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "GENERIC_TIMEZONE": "UTC",
            "EXECUTIONS_DATA_MAX_AGE": str(self.settings.retention_days * 24),
            "N8N_INSTANCE_OWNER_EMAIL": OWNER,
            "N8N_INSTANCE_OWNER_FIRST_NAME": "Backline",
            "N8N_INSTANCE_OWNER_LAST_NAME": "Owner",
            "N8N_INSTANCE_OWNER_MANAGED_BY_ENV": "true",
            "N8N_INSTANCE_OWNER_PASSWORD_HASH": self._hashed(self.owner_password),
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_PORT": str(self.port),
            "N8N_RUNNERS_BROKER_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_SECURE_COOKIE": "false",
            "N8N_USER_FOLDER": str(self.home / "user"),
        }

    def _hashed(self, password: str) -> str:
        """Return the bcrypt hash that n8n wants, made by the library that n8n itself uses."""
        found = self.install()
        made = subprocess.run(  # noqa: S603 - Node and our own script
            [found.node, "-e", HASH_SCRIPT],
            cwd=found.folder,
            input=password.encode(),
            capture_output=True,
            check=True,
        )
        return made.stdout.decode()

    def _import_secret(self, environment: dict[str, str]) -> None:
        """Write the newest signing secret into n8n's credential, as it does at every start."""
        sealed_by_n8n = [{**CREDENTIAL, "data": credential.crypto_values(self.settings)}]
        (self.home / "user").mkdir(exist_ok=True, mode=0o700)
        self._cli(environment, "import:credentials", "--input=/dev/stdin", stdin=json.dumps(sealed_by_n8n))

    def _push(self) -> None:
        """Bring the workflows in by n8n's API, with a key that n8n gives to us alone."""
        known = read_embedded(self.settings)
        owner = Owner(self.url, OWNER, self.owner_password)
        key = owner.api_key(known.key if known else None)
        remember_embedded(self.settings, Embedded(self.url, key))
        here = self.settings.model_copy(update={"n8n_url": self.url, "n8n_api_key": SecretStr(key)})
        asyncio.run(push(here, folder=self.workflows))

    def _cli(self, environment: dict[str, str], *arguments: str, stdin: str = "") -> None:
        """Run one of n8n's commands to its end; some say they failed only in words."""
        with self.log.open("ab") as output:
            done = subprocess.run(  # noqa: S603 - Node and n8n
                self._command(*arguments),
                env=environment,
                input=stdin.encode(),
                stdout=output,
                stderr=output,
                check=False,
            )
        if done.returncode:
            raise CommandError(f"n8n {arguments[0]}", self.log)

    def _wait_until_ready(self) -> None:
        """Return when n8n's API answers, which is after its health check does."""
        self._wait_until("/api/v1/workflows")

    def _wait_until_webhooks_verify(self) -> None:
        """Ask each webhook, unsigned, until it refuses: n8n calls itself ready before they are there."""
        for one in declared(self.workflows):
            if one.webhook is not None:
                self._wait_until(f"/webhook/{one.webhook}", method="POST")

    def _wait_until(self, path: str, *, method: str = "GET") -> None:
        """Ask until the answer is 401, which is how both n8n's API and a workflow of ours refuse."""
        deadline = time.monotonic() + START_SECONDS
        with httpx.Client(base_url=self.url, trust_env=False, timeout=10) as client:
            while not _is_refused(client, method, path):
                if self._child is None or self._child.poll() is not None or time.monotonic() > deadline:
                    raise CommandError("n8n start", self.log)
                time.sleep(0.1)


def _is_refused(client: httpx.Client, method: str, path: str) -> bool:
    try:
        return client.request(method, path).status_code == httpx.codes.UNAUTHORIZED
    except httpx.TransportError:
        return False


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return


def serve(settings: Settings, *, say: Say = click.echo) -> None:
    """Install and run n8n in the foreground until Ctrl-C or SIGTERM."""
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with N8nServer(settings, say=say) as server:
            say(f"n8n {server.install().version} listens on {server.url}; its log is {server.log}.")
            say(f"Log in as {OWNER} with the password in {server.home / 'owner_password'}.")
            say(f"Set BACKLINE_N8N_URL={server.url} to have events sent there. Ctrl-C ends it.")
            server.wait()
    except KeyboardInterrupt:
        say("n8n has ended.")
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
