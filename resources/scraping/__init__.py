"""Scraping: the pages of many accounts are visited, committed with what they came to, judged, and told of."""
