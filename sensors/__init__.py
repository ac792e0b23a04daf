"""What reacts: event delivery, grant refresh, failed runs."""
