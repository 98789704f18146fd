"""The HTTP service."""

import os
from pathlib import Path

from fastapi import FastAPI

from app.search import Index

app = FastAPI(title="Product search", version=os.environ.get("APP_VERSION", "dev"))
index = Index(Path(os.environ.get("INDEX", "index.npz")))


@app.get("/healthz")
def health() -> dict[str, str]:
    """Say that the service is up."""
    return {"status": "ok", "version": app.version}


@app.get("/search")
def search(q: str, limit: int = 5) -> list[str]:
    """Return the product texts nearest to the query."""
    return index.search(q, limit)
