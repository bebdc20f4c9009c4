"""The web doors: the chat page, the source view and the health checks, as one FastAPI application.

Importing this package imports neither gradio nor the application; `assistant.web.server` builds them when asked.
"""
