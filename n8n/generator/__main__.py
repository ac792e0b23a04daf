"""``python -m n8n.generator``."""

from n8n.generator import FOLDER, files

for file_name, text in files().items():
    (FOLDER / file_name).write_text(text, encoding="utf-8")
