"""How long the portal itself is at work for a sign-in by the provider."""

import time

MOST_SECONDS = 0.05


def test_sign_in_takes_fifty_milliseconds_of_our_own(sign_in, client):
    """Time of this thread at work: the provider has another, and waiting does not count. Of both
    requests, the way to the provider and the way back; the best of several, since the machine has
    other work.
    """
    took = []
    for _time in range(6):
        client.logout()
        began = time.thread_time()
        assert sign_in().status_code == 302
        took.append(time.thread_time() - began)
    assert min(took) < MOST_SECONDS, took
