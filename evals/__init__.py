"""Suites, metrics and runs that measure the assistant. Imports assistant; only app.py imports this."""
