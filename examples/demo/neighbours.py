"""The rest of the world, on a loopback port: the studio's picture server, and a creator's own web space."""

from __future__ import annotations

import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Neighbours:
    """Serves `/studio/…` and `/creators/…` below a folder, read-only, at `http://localhost:PORT`."""

    def __init__(self) -> None:
        self._served: Path | None = None
        outer = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(outer._served))

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing: the story is told elsewhere."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self._server.server_port}"

    def serve(self, folder: Path) -> None:
        """Begin to answer with the files of `folder`."""
        self._served = folder
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        if self._served is not None:
            self._server.shutdown()
        self._server.server_close()
