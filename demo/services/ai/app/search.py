"""Searches the index that ``app.index`` wrote."""

from pathlib import Path

import numpy as np


class Index:
    """The product texts and their vectors."""

    def __init__(self, path: Path) -> None:
        with np.load(path) as stored:
            self.column = {term: number for number, term in enumerate(stored["terms"].tolist())}
            self.basis = stored["basis"]
            self.vectors = stored["vectors"]
            self.texts = stored["texts"].tolist()

    def search(self, query: str, limit: int = 5) -> list[str]:
        """Return the texts nearest to the query; none if it shares no term with them."""
        terms = np.zeros(len(self.column), dtype=np.float32)
        for term in query.lower().split():
            if term in self.column:
                terms[self.column[term]] += 1
        if not terms.any():
            return []
        nearness = self.vectors @ (terms @ self.basis)
        return [self.texts[row] for row in np.argsort(-nearness)[:limit]]
