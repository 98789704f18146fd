"""Train the model and warm it up for an image: ``python -m model.prepare DIRECTORY``."""

import sys
from pathlib import Path

from model.store import load, save, search

if __name__ == "__main__":
    target = Path(sys.argv[1])
    save(target)
    if not search(load(target), "reading light"):
        sys.exit("The model that was just trained finds nothing.")
