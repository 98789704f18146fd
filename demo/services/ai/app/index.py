"""Builds the search index: term weights of all product texts, reduced by truncated SVD."""

import argparse
import itertools
import json
import time
from pathlib import Path

import numpy as np


def read_texts(path: Path) -> list[str]:
    """Return the product texts: every combination of the words of the corpus, up to its limit."""
    corpus = json.loads(path.read_text())
    combinations = itertools.product(*corpus["words"])
    return [" ".join(words) for words in itertools.islice(combinations, corpus["limit"])]


def term_weights(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """Return the vocabulary and the TF-IDF matrix (texts × terms)."""
    terms = sorted({term for text in texts for term in text.split()})
    column = {term: number for number, term in enumerate(terms)}
    weights = np.zeros((len(texts), len(terms)), dtype=np.float32)
    for row, text in enumerate(texts):
        for term in text.split():
            weights[row, column[term]] += 1
    weights *= np.log(len(texts) / np.count_nonzero(weights, axis=0))
    return terms, weights


def reduce(weights: np.ndarray, dimensions: int, rounds: int = 12) -> np.ndarray:
    """Return the leading right singular vectors (terms × dimensions) by subspace iteration."""
    generator = np.random.default_rng(7)
    basis = generator.standard_normal((weights.shape[1], dimensions)).astype(np.float32)
    for _ in range(rounds):
        basis, _ = np.linalg.qr(weights.T @ (weights @ basis))
    return basis


def main() -> None:
    """Write terms, basis and the reduced texts to an .npz file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--dimensions", type=int, default=48)
    options = parser.parse_args()
    started = time.perf_counter()
    texts = read_texts(options.corpus)
    terms, weights = term_weights(texts)
    basis = reduce(weights, min(options.dimensions, len(terms)))
    vectors = weights @ basis
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.savez_compressed(options.output, terms=terms, basis=basis, vectors=vectors, texts=texts)
    print(f"{len(texts)} texts, {len(terms)} terms, {basis.shape[1]} dimensions")
    print(f"took {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
