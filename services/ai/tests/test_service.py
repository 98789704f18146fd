"""What the service answers, with the model that the image brings or one trained on the spot."""

import math
import tempfile
import unittest
from pathlib import Path

from app.graph import build_graph
from model.embedding import TfidfEmbedding
from model.store import load, save, search


class EmbeddingTest(unittest.TestCase):
    def test_rare_words_weigh_more(self) -> None:
        embedding = TfidfEmbedding.trained(["a kettle", "a lamp"])
        common, rare = math.log(1 + 2 / 2), math.log(1 + 2 / 1)
        self.assertEqual(embedding.rarity, {"a": common, "kettle": rare, "lamp": rare})
        length = math.hypot(common, rare)
        self.assertEqual(embedding.vector("a kettle"), [common / length, rare / length, 0, 0])
        self.assertEqual(embedding.vector("xyzzy"), [0, 0, 0, 1])


class ServiceTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        save(Path(folder.name))
        self.retriever = load(Path(folder.name))

    def test_what_shares_words_is_found(self) -> None:
        titles = [title for title, _ in search(self.retriever, "boils water")]
        self.assertEqual(titles, ["Kettle", "Teapot"])

    def test_it_answers_and_declines(self) -> None:
        graph = build_graph(self.retriever)
        self.assertIn("Lamp", graph.invoke({"question": "reading light"})["text"])
        self.assertEqual(graph.invoke({"question": "xyzzy"})["text"], "Nothing here fits that.")


if __name__ == "__main__":
    unittest.main()
