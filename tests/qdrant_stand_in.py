"""What stands for a Qdrant server where there is none: its HTTP API, before the client's own memory.

It speaks the part of the protocol that an index needs, so that processes share one index over real connections. Its
search is exact; shards, replicas, keys and files it has not.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from qdrant_client import QdrantClient, models

Answer = Callable[[QdrantClient, str, dict[str, Any]], Any]


def _create(client: QdrantClient, name: str, body: dict[str, Any]) -> bool:
    asked = models.CreateCollection.model_validate(body)
    return client.create_collection(name, asked.vectors, asked.sparse_vectors)


def _upsert(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    return client.upsert(name, models.PointsList.model_validate(body).points)


def _delete(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    kind = models.PointIdsList if "points" in body else models.FilterSelector
    return client.delete(name, kind.model_validate(body))


def _retrieve(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.PointRequest.model_validate(body)
    return client.retrieve(name, asked.ids, asked.with_payload or False, asked.with_vector or False)


def _scroll(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.ScrollRequest.model_validate(body)
    points, offset = client.scroll(
        name, asked.filter, asked.limit or 10, asked.order_by, asked.offset, asked.with_payload or False,
        asked.with_vector or False,
    )  # fmt: skip
    return {"points": [point.model_dump(mode="json") for point in points], "next_page_offset": offset}


def _query(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.QueryRequest.model_validate(body)
    return client.query_points(
        name, asked.query, using=asked.using, query_filter=asked.filter, search_params=asked.params,
        limit=asked.limit or 10, with_payload=asked.with_payload or False,
    )  # fmt: skip


def _facet(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    asked = models.FacetRequest.model_validate(body)
    return client.facet(name, asked.key, asked.filter, asked.limit or 10)


def _count(client: QdrantClient, name: str, body: dict[str, Any]) -> Any:
    return client.count(name, models.CountRequest.model_validate(body).filter)


_ANSWERS: dict[tuple[str, str], Answer] = {
    ("GET", "exists"): lambda client, name, _: {"exists": client.collection_exists(name)},
    ("PUT", ""): _create,
    ("DELETE", ""): lambda client, name, _: client.delete_collection(name),
    ("PUT", "index"): lambda *_: {"operation_id": 0, "status": "completed"},
    ("PUT", "points"): _upsert,
    ("POST", "points/delete"): _delete,
    ("POST", "points"): _retrieve,
    ("POST", "points/scroll"): _scroll,
    ("POST", "points/query"): _query,
    ("POST", "points/count"): _count,
    ("POST", "facet"): _facet,
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    memory: QdrantClient
    lock: threading.Lock

    def _answer(self) -> None:
        started = time.perf_counter()
        _, collections, name, *rest = self.path.partition("?")[0].split("/")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = _ANSWERS.get((self.command, "/".join(rest))) if collections == "collections" else None
        if answer is None:
            self.send_error(404)
            return
        with self.lock:
            result = answer(self.memory, name, json.loads(content or b"{}"))
        document = {"time": time.perf_counter() - started, "status": "ok", "result": _as_json(result)}
        told = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _as_json(result: Any) -> Any:
    if isinstance(result, list):
        return [_as_json(each) for each in result]
    return result.model_dump(mode="json") if hasattr(result, "model_dump") else result


@contextlib.contextmanager
def qdrant_stand_in() -> Iterator[str]:
    """Its address, while the block runs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect|Local mode performs exact")
        kind = type("Handler", (_Handler,), {"memory": QdrantClient(":memory:"), "lock": threading.Lock()})
        server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
