"""Finding and installing n8n, as far as it goes without a network; and what is refused before a start."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.n8n_server import N8N_VERSION, N8nServer, find, installation
from resources.errors import InputRefused
from resources.n8n.credential import crypto_values
from resources.settings import REPOSITORY, Settings

pytestmark = pytest.mark.webhooks

INSTALL = (
    "import sys; from pathlib import Path; from pipelines.n8n_server import install; "
    "from resources.errors import InputRefused\n"
    "try: install(Path(sys.argv[1]), print)\n"
    "except InputRefused as error: print(error); sys.exit(2)"
)


def test_missing_compiler_is_named_with_its_cure(tmp_path: Path) -> None:
    """On a machine without g++ and make, nothing is downloaded, and the message says what to install."""
    asked = subprocess.run(
        [sys.executable, "-c", INSTALL, tmp_path / "n8n"],
        env={**os.environ, "PATH": str(tmp_path)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 2, asked.stderr
    assert "g++ and make: not installed" in asked.stdout
    assert "apt install g++ make" in asked.stdout
    assert not (tmp_path / "n8n").exists()


def test_folder_without_n8n_is_refused_by_its_setting(tmp_path: Path) -> None:
    """A folder that someone names is used as it is, or not at all."""
    assert find(tmp_path) is None
    with pytest.raises(InputRefused, match=r"BACKLINE_N8N_INSTALL.*node_modules/n8n"):
        N8nServer(Settings(home=tmp_path, n8n_install=tmp_path)).install()
    assert not list(tmp_path.iterdir())


def test_taken_port_is_refused_before_anything_is_installed(tmp_path: Path) -> None:
    """The message names the setting."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputRefused, match=f"BACKLINE_N8N_PORT: port {port} is taken"):
            N8nServer(Settings(home=tmp_path), port=port).start()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["whsec_AAECAwQFBgcICQoLDA0ODw==", "whsec_//////////////////////8="])
def test_key_that_is_not_text_is_refused(key: str, tmp_path: Path) -> None:
    """n8n's Crypto node would sign with other bytes than we do."""
    settings = Settings(home=tmp_path, n8n_signing_secrets=key)
    with pytest.raises(InputRefused, match=r"BACKLINE_N8N_SIGNING_SECRETS.*printable ASCII") as refused:
        crypto_values(settings)
    assert key not in str(refused.value)


def test_owner_password_is_made_once_and_kept_secret(tmp_path: Path) -> None:
    """It satisfies n8n's rules and is readable by its owner alone."""
    server = N8nServer(Settings(home=tmp_path))
    assert server.owner_password == N8nServer(Settings(home=tmp_path)).owner_password
    assert (tmp_path / "n8n" / "owner_password").stat().st_mode & 0o777 == 0o600


def test_locks_pin_everything_and_name_no_host() -> None:
    """Node by hash, n8n and all it stands on by integrity; where they come from is the machine's affair."""
    npm = (installation.LOCKS / "package-lock.json").read_text(encoding="utf-8")
    node = (installation.LOCKS / "node.lock").read_text(encoding="utf-8")
    manifest = (installation.LOCKS / "package.json").read_text(encoding="utf-8")
    assert f'"n8n": "{N8N_VERSION}"' in manifest
    assert npm.count('"integrity": "sha512-') >= npm.count('\n  "node_modules/')
    assert node.count("==") == 2
    assert "--hash=sha256:" in node
    assert "://" not in npm + node + manifest
