"""The providers' public pages: what they have in common; each provider's own stand with its API."""
