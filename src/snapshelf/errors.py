"""Every error that snapshelf raises on purpose.

    SnapshelfError
    ├── InputError            what the user gave cannot be used               exit code 2
    │   ├── PhotoError        one photo is broken
    │   │   ├── PhotoMissingError its file is not there
    │   │   ├── NotAPhotoError    it is empty, or no picture at all
    │   │   │   └── HeicNotReadError  it is HEIC, and the [heic] extra is not installed
    │   │   ├── TruncatedPhotoError   its end is missing
    │   │   ├── DownloadError     it could not be fetched
    │   │   ├── PhotoTooManyBytesError
    │   │   └── PhotoTooManyPixelsError
    │   ├── SourceError       a source of photos, or one row of it
    │   ├── ConfigError       snapshelf.toml, a setting or an option
    │   ├── ModelFileError    a model that was trained elsewhere
    │   └── RequestError      a search request: box, top_k, filters
    ├── StoreError            the store lacks or contradicts something        exit code 2
    │   ├── ArtifactMissingError
    │   ├── ArtifactMismatchError
    │   └── ReadOnlyStoreError    it may only be read from here
    ├── ProductNotFoundError  no product of that id                           exit code 2
    ├── TrainingDivergedError the loss is no longer a number                  exit code 1
    ├── ExportCheckError      the exported model answers otherwise            exit code 1
    ├── ClusterError          the machines that should embed photos do not    exit code 1
    ├── ApiError              a server answered a client with a problem       exit code 1
    └── ServerUnreachableError a server did not answer a client               exit code 1

A message says what was found, what was expected and what to do. It is shown as it is: on standard error by the
command line, as the `detail` of a problem document over HTTP. So it never holds a traceback, and over HTTP never a
path of the server.
"""


class SnapshelfError(Exception):
    """The root of the tree."""


class InputError(SnapshelfError):
    """What the user gave cannot be used as it is."""


class PhotoError(InputError):
    """A photo cannot be decoded."""


class PhotoMissingError(PhotoError):
    """A photo's file is not where it should be."""


class NotAPhotoError(PhotoError):
    """A file is empty, or its content is no picture of a kind that is read here."""


class HeicNotReadError(NotAPhotoError):
    """A photo is HEIC, which is not read without the [heic] extra."""


class TruncatedPhotoError(PhotoError):
    """A photo's file ends before its picture does."""


class DownloadError(PhotoError):
    """A photo could not be fetched from its address."""


class PhotoTooManyBytesError(PhotoError):
    """A photo's file is over the limit; it was not read to its end."""


class PhotoTooManyPixelsError(PhotoError):
    """A photo has more pixels than allowed; it was not decoded."""


class SourceError(InputError):
    """A source of photos, or one of its rows, is not in the form it should have."""


class ConfigError(InputError):
    """`snapshelf.toml`, a setting or an option holds what it may not."""


class ModelFileError(InputError):
    """A model that was trained elsewhere is broken, or in a form that is not taken here."""


class RequestError(InputError):
    """A search asks for what cannot be: a box outside the photo, no results, a negative price."""


class StoreError(SnapshelfError):
    """The store is not in the state that the command needs."""


class ArtifactMissingError(StoreError):
    """Nothing has been prepared, trained or indexed yet, or not under that id."""


class ArtifactMismatchError(StoreError):
    """Two artefacts do not belong together, or one is of a newer schema than this program reads."""


class ReadOnlyStoreError(StoreError):
    """The store may only be read from here, and something would have to be written."""


class ProductNotFoundError(SnapshelfError):
    """The index holds no product of that id."""


class TrainingDivergedError(SnapshelfError):
    """The loss became infinite or not a number; nothing was published."""


class ExportCheckError(SnapshelfError):
    """The exported model does not answer as the trained network does; it was not published."""


class ClusterError(SnapshelfError):
    """A Ray cluster's machines cannot do their part; what was written before stays."""


class ApiError(SnapshelfError):
    """A server answered with a problem document (RFC 9457), whose fields these are."""

    def __init__(self, status: int, type: str, title: str, detail: str, retry_after_s: int | None = None) -> None:  # noqa: A002 (the document's own word)
        super().__init__(f"{detail} ({status} {title})")
        self.status = status
        self.type = type
        """Such as `urn:snapshelf:problem:not-a-photo`; it never changes."""
        self.title = title
        self.detail = detail
        """What was found, what was expected and what to do."""
        self.retry_after_s = retry_after_s
        """Seconds after which to try again, where the server says so."""


class ServerUnreachableError(SnapshelfError):
    """No server answered in time, or something else did."""
