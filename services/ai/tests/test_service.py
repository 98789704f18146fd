"""What the service answers, with a model trained on the spot."""

import json
import os
import tempfile
import unittest
from pathlib import Path

from app.model import load, save, train

CORPUS = json.loads((Path(__file__).parents[1] / "corpus.json").read_text())


class ModelTest(unittest.TestCase):
    def test_rare_words_decide(self) -> None:
        found = train(CORPUS).search("boils water")
        self.assertEqual([title for title, _ in found], ["Kettle", "Teapot"])

    def test_a_model_survives_its_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.json"
            save(train(CORPUS), path)
            self.assertEqual(load(path), train(CORPUS))


class ServiceTest(unittest.TestCase):
    def test_it_answers_and_declines(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MODEL_DIR"] = folder
            save(train(CORPUS), Path(folder) / "tfidf.json")
            from app.graph import build_graph

            graph = build_graph(load(Path(folder) / "tfidf.json"))
            self.assertIn("Lamp", graph.invoke({"question": "reading light"})["text"])
            self.assertEqual(graph.invoke({"question": "xyzzy"})["text"], "Nothing here fits that.")


if __name__ == "__main__":
    unittest.main()
