"""The retrieval model: TF-IDF vectors of a corpus, trained when the image is built.

Kept as JSON so that loading it runs no code.
"""

import json
import math
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class Model:
    """Weights of words by document, each document's vector of length one."""

    titles: list[str]
    rarity: dict[str, float]
    vectors: list[dict[str, float]]

    def search(self, question: str, most: int = 3) -> list[tuple[str, float]]:
        """Return titles with their cosine similarity to the question, best first."""
        asked = unit({w: n * self.rarity.get(w, 0.0) for w, n in words(question).items()})
        scores = [sum(asked.get(w, 0.0) * x for w, x in vector.items()) for vector in self.vectors]
        ranked = sorted(zip(self.titles, scores, strict=True), key=lambda item: -item[1])
        return [(title, score) for title, score in ranked if score > 0][:most]


def train(documents: list[dict[str, str]]) -> Model:
    """Weigh the words of documents by how rare they are among them."""
    counts = [words(f"{document['title']} {document['text']}") for document in documents]
    spread = Counter(word for count in counts for word in count)
    rarity = {word: math.log(1 + len(counts) / n) for word, n in sorted(spread.items())}
    vectors = [unit({w: n * rarity[w] for w, n in sorted(count.items())}) for count in counts]
    return Model([document["title"] for document in documents], rarity, vectors)


def words(text: str) -> Counter[str]:
    """Count the words of a text."""
    return Counter(WORD.findall(text.lower()))


def unit(vector: dict[str, float]) -> dict[str, float]:
    """Scale a vector to length one."""
    length = math.sqrt(sum(value * value for value in vector.values()))
    return {word: value / length for word, value in vector.items()} if length else {}


def save(model: Model, path: Path) -> None:
    """Write a model."""
    document = {"titles": model.titles, "rarity": model.rarity, "vectors": model.vectors}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def load(path: Path) -> Model:
    """Read a model."""
    return Model(**json.loads(path.read_text()))


if __name__ == "__main__":
    corpus, target = map(Path, sys.argv[1:])
    save(train(json.loads(corpus.read_text())), target)
