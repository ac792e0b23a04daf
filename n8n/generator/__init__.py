"""Writes the workflows that n8n runs for Backline: ``python -m n8n.generator``.

No parameter is written that equals n8n's default: its editor takes those out at every save, which would
read as a change that nobody made.
"""

from n8n.generator.writing import FOLDER, files

__all__ = ["FOLDER", "files"]
