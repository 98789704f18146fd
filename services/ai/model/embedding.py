"""TF-IDF vectors as a LlamaIndex embedding: it needs no network, no key and no GPU."""

import math
import re
from collections import Counter
from collections.abc import Iterable

from llama_index.core.base.embeddings.base import BaseEmbedding

WORD = re.compile(r"[a-z]+")


class TfidfEmbedding(BaseEmbedding):
    """Embeds a text as the weights of known words; ``rarity`` is by word, in the vector's order."""

    rarity: dict[str, float]

    @classmethod
    def trained(cls, texts: Iterable[str]) -> "TfidfEmbedding":
        """Weigh words by how rare they are among texts."""
        counts = [words(text) for text in texts]
        spread = Counter(word for count in counts for word in count)
        return cls(rarity={w: math.log(1 + len(counts) / n) for w, n in sorted(spread.items())})

    def vector(self, text: str) -> list[float]:
        """Return a vector of length one; its last place stands for a text without a known word."""
        count = words(text)
        weights = [count[word] * rarity for word, rarity in self.rarity.items()]
        weights.append(0.0 if any(weights) else 1.0)
        length = math.sqrt(sum(weight * weight for weight in weights))
        return [weight / length for weight in weights]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self.vector(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        return self.vector(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self.vector(query)


def words(text: str) -> Counter[str]:
    """Count the words of a text."""
    return Counter(WORD.findall(text.lower()))
