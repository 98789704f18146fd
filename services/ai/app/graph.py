"""Steps from a question to an answer, as a LangGraph graph around a LlamaIndex retriever."""

from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph
from llama_index.core.retrievers import BaseRetriever
from model.store import search


class Answer(TypedDict, total=False):
    """What the steps hand on."""

    question: str
    found: list[tuple[str, float]]
    text: str


def build_graph(retriever: BaseRetriever) -> Any:
    """Compile the graph: retrieve, then either answer or say that nothing fits."""

    def retrieve(state: Answer) -> Answer:
        return {"found": search(retriever, state["question"])}

    def answer(state: Answer) -> Answer:
        titles = ", ".join(title for title, _ in state["found"])
        return {"text": f"This fits best: {titles}."}

    def decline(state: Answer) -> Answer:
        return {"text": "Nothing here fits that."}

    graph = StateGraph(Answer)
    for name, step in (("retrieve", retrieve), ("answer", answer), ("decline", decline)):
        graph.add_node(name, step)
    graph.add_edge(START, "retrieve")
    graph.add_conditional_edges("retrieve", lambda s: "answer" if s["found"] else "decline")
    graph.add_edge("answer", END)
    graph.add_edge("decline", END)
    return graph.compile()
