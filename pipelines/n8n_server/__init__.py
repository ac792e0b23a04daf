"""A real n8n on this machine, without Docker, that receives our events: ``backline n8n serve``."""

from pipelines.n8n_server.executions import Execution
from pipelines.n8n_server.installation import N8N_VERSION, Installation, find, install
from pipelines.n8n_server.server import N8nServer, serve

__all__ = ["N8N_VERSION", "Execution", "Installation", "N8nServer", "find", "install", "serve"]
