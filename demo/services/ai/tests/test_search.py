"""Tests of the search over the index that the image will hold."""

import unittest
from pathlib import Path

from app.search import Index


class SearchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.index = Index(Path("index.npz"))

    def test_finds_the_word(self) -> None:
        self.assertIn("oak", self.index.search("oak chair")[0])

    def test_limit(self) -> None:
        self.assertEqual(len(self.index.search("wool", limit=3)), 3)

    def test_unknown_words_find_nothing(self) -> None:
        self.assertEqual(self.index.search("xylophone"), [])
