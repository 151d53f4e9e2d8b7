"""Filings: what companies reported, and from which session on it was known."""
