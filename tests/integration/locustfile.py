"""Load for a model server, by locust: each user sends one request after the other, the articles of a file in turn.

    ARTICLES=articles.jsonl locust --headless --only-summary -f tests/integration/locustfile.py \
        --host http://127.0.0.1:5001 --users 4 --run-time 60s
"""

import json
import os
from itertools import cycle
from pathlib import Path

from locust import HttpUser, task

LINES = Path(os.environ["ARTICLES"]).read_text(encoding="utf-8").splitlines()
REQUESTS = cycle({"dataframe_records": [json.loads(line)]} for line in LINES)


class Client(HttpUser):
    @task
    def score(self) -> None:
        self.client.post("/invocations", json=next(REQUESTS))
