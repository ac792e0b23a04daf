"""What n8n asks of Backline: who may ask, what may be asked, and what came of it."""
