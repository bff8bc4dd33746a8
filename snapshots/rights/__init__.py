"""The only answer to "may this person do that": for pages, use cases and the worker."""
