"""The HTTP service."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from model.store import load

from app.graph import build_graph

MODEL = Path(os.environ.get("MODEL_DIR", "/models"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the model and run the graph once, so that the first caller does not wait."""
    app.state.graph = build_graph(load(MODEL))
    app.state.graph.invoke({"question": "warm up"})
    yield


app = FastAPI(title="shop-ai", lifespan=lifespan)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    """Whether the service answers, and in which version."""
    return {"status": "ok", "version": os.environ.get("APP_VERSION", "dev")}


@app.get("/ask")
def ask(request: Request, question: str) -> dict[str, object]:
    """Answer a question about the products."""
    state = request.app.state.graph.invoke({"question": question[:500]})
    return {"answer": state["text"], "found": [title for title, _ in state["found"]]}
