"""How a Qdrant server or cluster is reached, and what is said where it cannot be."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from snapshelf.errors import StoreError
from snapshelf.settings import QdrantServer

_TIMEOUT_S = 60


def connect(server: QdrantServer) -> QdrantClient:
    """A client of a server; nothing is sent yet."""
    key = server.api_key.get_secret_value() if server.api_key else None
    return QdrantClient(url=server.url, api_key=key, timeout=_TIMEOUT_S, check_compatibility=False)


@contextlib.contextmanager
def in_words(collection: str) -> Iterator[None]:
    """What the client raises, in words for the one who runs snapshelf.

    Raises:
        StoreError: instead.
    """
    try:
        yield
    except ResponseHandlingException as error:
        raise StoreError(
            f"The Qdrant server cannot be reached ({error}). Start it, or set SNAPSHELF_QDRANT_URL to where it is."
        ) from error
    except UnexpectedResponse as error:
        if error.status_code in (401, 403):
            raise StoreError(
                "The Qdrant server refuses the key. Set SNAPSHELF_QDRANT_API_KEY to one that may change "
                f"the collection {collection}."
            ) from error
        if error.status_code == 404:
            raise StoreError(
                f"The Qdrant server no longer has the collection {collection}: the index was replaced or removed. "
                "Start snapshelf again, or build the index anew: snapshelf index CATALOGUE --store DIR --replace"
            ) from error
        raise StoreError(f"The Qdrant server could not do it ({error}). See the server's own log.") from error
    except ApiException as error:
        raise StoreError(f"The Qdrant server could not do it ({error}). See the server's own log.") from error
