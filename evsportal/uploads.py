"""Refuses files: no form of the portal takes one."""

from typing import Any, NoReturn

from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler


class RefuseFiles(FileUploadHandler):
    """Ends the reading of a form, with status 400, where a file begins in it."""

    def new_file(self, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise BadRequest("A form with a file was sent; the portal takes none.")

    def receive_data_chunk(self, _raw_data: bytes, _start: int) -> NoReturn:
        raise BadRequest("A form with a file was sent; the portal takes none.")

    def file_complete(self, _file_size: int) -> None:
        """Never reached: the reading has ended."""
