"""The portal's settings, and a header that tells what each answer took."""

from evsportal.settings import *  # noqa: F403 - all of them
from evsportal.settings import MIDDLEWARE as _OURS

MIDDLEWARE = ["tests.bench.timing.told", *_OURS]
