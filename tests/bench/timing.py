"""Tells with each answer how long the portal was busy with it, and how many queries it made."""

import time

from django.db import connection


class _Count:
    def __init__(self):
        self.queries = 0

    def __call__(self, execute, sql, params, many, context):
        self.queries += 1
        return execute(sql, params, many, context)


def told(get_response):
    """Outside of all other middleware: from the parsed request to the finished page."""

    def middleware(request):
        count, began = _Count(), time.perf_counter()
        with connection.execute_wrapper(count):
            response = get_response(request)
        took = (time.perf_counter() - began) * 1000
        response.headers["Server-Timing"] = f"all;dur={took:.2f}, queries;dur={count.queries}"
        return response

    return middleware
