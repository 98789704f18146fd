"""The model as files: LlamaIndex's index and the weights, all JSON: loading them runs no code."""

import json
from pathlib import Path

from llama_index.core import Document, StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.retrievers import BaseRetriever

from model.embedding import TfidfEmbedding

CORPUS = Path(__file__).with_name("corpus.json")
RARITY = "rarity.json"
MOST = 3


def save(directory: Path) -> None:
    """Train on the corpus and write what came of it."""
    products = json.loads(CORPUS.read_text())
    documents = [
        Document(text=f"{item['title']}: {item['text']}", metadata={"title": item["title"]})
        for item in products
    ]
    embedding = TfidfEmbedding.trained(document.text for document in documents)
    index = VectorStoreIndex.from_documents(documents, embed_model=embedding)
    index.storage_context.persist(persist_dir=str(directory))
    (directory / RARITY).write_text(json.dumps(embedding.rarity))


def load(directory: Path) -> BaseRetriever:
    """Read a model; what it retrieves comes with the similarity to the question, best first."""
    embedding = TfidfEmbedding(rarity=json.loads((directory / RARITY).read_text()))
    storage = StorageContext.from_defaults(persist_dir=str(directory))
    index = load_index_from_storage(storage, embed_model=embedding)
    return index.as_retriever(similarity_top_k=MOST)


def search(retriever: BaseRetriever, question: str) -> list[tuple[str, float]]:
    """Return titles with their similarity to the question; what shares no word is left out."""
    found = retriever.retrieve(question)
    return [(item.metadata["title"], item.score) for item in found if item.score]
