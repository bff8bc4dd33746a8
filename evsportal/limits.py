"""How much of a request the portal reads. Known to the web server before settings are read."""

# A form of the portal has at most some 220 fields and 100 KB.
MOST_BODY_BYTES = 1_000_000
MOST_HEAD_BYTES = 32_768  # request line and headers
