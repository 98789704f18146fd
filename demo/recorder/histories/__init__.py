"""The histories that are recorded; each module holds one service's commits as data."""

from recorder.histories.ai import AI
from recorder.histories.api import API
from recorder.histories.web import WEB

HISTORIES = (API, WEB, AI)
