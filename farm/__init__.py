"""Builds that the server itself starts: sources, triggers, the queue, builders and workers."""
