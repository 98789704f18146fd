"""The history of the product search."""

from dataclasses import replace

from recorder.plan import (
    ANA,
    BOT,
    JONAS,
    PRIYA,
    BuildPlan,
    Commit,
    History,
    Replace,
    Write,
)

PYTHON = "python:3.11-slim-bookworm"

PUSH = BuildPlan()
PREVIEW = BuildPlan(trigger="pull_request", environment="preview")
NIGHTLY = BuildPlan(pipeline="nightly", trigger="schedule", after_minutes=700)
TEST = BuildPlan(target="test", variant="test", environment="development", after_minutes=8)
WIDE = replace(PUSH, args=(("DIMENSIONS", "64"),))
WIDE_NIGHTLY = replace(NIGHTLY, args=WIDE.args)

PAIRS = '''def words_and_pairs(text: str) -> list[str]:
    """Return the words of a text and its pairs of neighbouring words."""
    words = text.split()
    return words + [f"{first} {second}" for first, second in itertools.pairwise(words)]


def term_weights('''

CASE_TEST = """
    def test_case_does_not_matter(self) -> None:
        self.assertEqual(self.index.search("Oak CHAIR"), self.index.search("oak chair"))
        self.assertEqual(self.index.search("OAK", limit=1), self.index.search("oak")[:2])
"""

ANALYSIS = """import pandas as pd

from app.index import read_texts
from pathlib import Path

texts = pd.Series(read_texts(Path("corpus.json")))
print(texts.str.split().explode().value_counts().describe())
"""

PANDAS = """pandas==2.2.3
python-dateutil==2.9.0.post0
pytz==2024.2
six==1.17.0
tzdata==2024.2
"""
LAST_REQUIREMENT = "uvicorn==0.34.0\n"

BEGIN = (
    Commit(
        "84 13:20", "Search products by meaning", ANA, builds=(replace(PUSH, progress=True), TEST)
    ),
    Commit(
        "81 10:45",
        "Never answer with more than 50 products",
        PRIYA,
        (Replace("app/main.py", "index.search(q, limit)", "index.search(q, min(limit, 50))"),),
    ),
    Commit(
        "77 14:05",
        "Bump uvicorn from 0.34.0 to 0.34.99",
        BOT,
        (Replace("requirements.txt", "uvicorn==0.34.0", "uvicorn==0.34.99"),),
        branch="dependencies/uvicorn",
        change_id="7",
        builds=(replace(PREVIEW, expect="failed"),),
    ),
    Commit(
        "77 14:40",
        "Keep uvicorn 0.34.0, bump numpy from 2.2.1 to 2.2.2",
        PRIYA,
        (
            Replace("requirements.txt", "uvicorn==0.34.99", "uvicorn==0.34.0"),
            Replace("requirements.txt", "numpy==2.2.1", "numpy==2.2.2"),
        ),
        branch="dependencies/uvicorn",
        change_id="7",
        builds=(PREVIEW,),
    ),
    Commit(
        "76 11:15", "Merge numpy 2.2.2", ANA, merge="dependencies/uvicorn", builds=(PUSH, NIGHTLY)
    ),
    Commit(
        "70 09:35",
        "Test that upper case finds the same",
        JONAS,
        (
            Replace(
                "tests/test_search.py",
                '        self.assertEqual(self.index.search("xylophone"), [])\n',
                '        self.assertEqual(self.index.search("xylophone"), [])\n' + CASE_TEST,
            ),
        ),
        builds=(replace(PUSH, expect="failed", progress=True),),
    ),
    Commit(
        "70 10:20",
        "Compare the same number of answers",
        JONAS,
        (
            Replace(
                "tests/test_search.py",
                'self.index.search("oak")[:2]',
                'self.index.search("oak", limit=1)',
            ),
        ),
    ),
    Commit(
        "65 15:50",
        "Index more of the product range",
        ANA,
        (Replace("corpus.json", '"limit": 12000', '"limit": 20000'),),
    ),
)

GROWTH = (
    Commit(
        "60 10:05",
        "Weigh pairs of words too",
        PRIYA,
        (
            Replace("app/index.py", "def term_weights(", PAIRS),
            Replace(
                "app/index.py",
                "terms = sorted({term for text in texts for term in text.split()})",
                "terms = sorted({term for text in texts for term in words_and_pairs(text)})",
            ),
            Replace(
                "app/index.py",
                "for term in text.split():\n",
                "for term in words_and_pairs(text):\n",
            ),
            Replace("app/index.py", "rounds: int = 12", "rounds: int = 60"),
        ),
        builds=(replace(PUSH, progress=True),),
    ),
    Commit(
        "58 13:25",
        "Add velvet to the corpus",
        JONAS,
        (Replace("corpus.json", '"clay", "felt"', '"clay", "felt", "velvet"'),),
    ),
    Commit(
        "54 11:30",
        "Keep 64 dimensions",
        PRIYA,
        (Replace("app/index.py", "default=48", "default=64"),),
        builds=(WIDE,),
    ),
    Commit(
        "49 14:10",
        "Add colours for the garden",
        JONAS,
        (Replace("corpus.json", '"grey", "ochre"', '"grey", "ochre", "moss"'),),
        builds=(WIDE, replace(WIDE_NIGHTLY, refreshed_base=PYTHON)),
    ),
    Commit(
        "43 09:55",
        "Weigh single words only and refine the index less",
        ANA,
        (
            Replace("app/index.py", PAIRS, "def term_weights("),
            Replace(
                "app/index.py", "for term in words_and_pairs(text)})", "for term in text.split()})"
            ),
            Replace(
                "app/index.py",
                "for term in words_and_pairs(text):\n",
                "for term in text.split():\n",
            ),
            Replace("app/index.py", "rounds: int = 60", "rounds: int = 8"),
        ),
        builds=(WIDE,),
    ),
    Commit(
        "36 15:05",
        "Look at the corpus with pandas",
        JONAS,
        (
            Write("app/analysis.py", ANALYSIS),
            Replace("requirements.txt", LAST_REQUIREMENT, LAST_REQUIREMENT + PANDAS),
        ),
        builds=(WIDE,),
    ),
    Commit(
        "30 11:45",
        "Log how long a search takes",
        PRIYA,
        (
            Replace("app/main.py", "import os\n", "import logging\nimport os\nimport time\n"),
            Replace(
                "app/main.py",
                "index = Index(",
                'log = logging.getLogger("uvicorn")\nindex = Index(',
            ),
            Replace(
                "app/main.py",
                "    return index.search(q, min(limit, 50))",
                "    started = time.perf_counter()\n"
                "    found = index.search(q, min(limit, 50))\n"
                '    log.info("search took %.1f ms", 1000 * (time.perf_counter() - started))\n'
                "    return found",
            ),
        ),
        builds=(WIDE, replace(WIDE, after_minutes=52)),
    ),
)

RECENT = (
    Commit(
        "25 10:15",
        "Keep pandas for development only",
        JONAS,
        (
            Replace("requirements.txt", PANDAS, ""),
            Write("requirements-dev.txt", "-r requirements.txt\n" + PANDAS),
        ),
        builds=(WIDE,),
    ),
    Commit(
        "23 13:55",
        "Bump fastapi from 0.115.6 to 0.115.8",
        BOT,
        (
            Replace("requirements.txt", "fastapi==0.115.6", "fastapi==0.115.8"),
            Replace("requirements.txt", "starlette==0.41.3", "starlette==0.45.3"),
        ),
        builds=(
            replace(WIDE, expect="canceled", interrupt_after_seconds=4),
            replace(WIDE, after_minutes=9),
        ),
    ),
    Commit(
        "19 09:40",
        "Search in the order of the words",
        PRIYA,
        (
            Replace(
                "app/search.py", "np.argsort(-nearness)", 'np.argsort(-nearness, kind="stable")'
            ),
        ),
        branch="feature/stable-order",
        change_id="15",
        builds=(replace(PREVIEW, args=WIDE.args),),
    ),
    Commit("17 16:10", "Merge the stable order", ANA, merge="feature/stable-order", builds=(WIDE,)),
    Commit(
        "10 14:25",
        "Add trays and hooks of velvet",
        JONAS,
        (Replace("corpus.json", '"handmade", "plain"', '"handmade", "plain", "padded"'),),
        builds=(WIDE, replace(WIDE_NIGHTLY, lost_cache=True)),
    ),
    Commit(
        "4 11:00",
        "Answer health checks without the version",
        PRIYA,
        (Replace("app/main.py", '{"status": "ok", "version": app.version}', '{"status": "ok"}'),),
        builds=(WIDE,),
    ),
    Commit(
        "1 14:35",
        "Index the whole product range",
        ANA,
        (Replace("corpus.json", '"limit": 20000', '"limit": 30000'),),
        builds=(replace(WIDE, progress=True),),
    ),
)

AI = History(
    service="ai",
    bases={"PYTHON_IMAGE": PYTHON},
    packages="wheels",
    offline={"PIP_NO_INDEX": "1"},
    commits=BEGIN + GROWTH + RECENT,
)
