"""Visiting: one public page, from whether it may be visited at all to the verdict on what came."""
