"""What an operation is and does: asked, sent once, settled by looking, watched to its end.

`kinds` says what is special about each kind of operation. `perform`, `settle` and `watch` decide
what follows from what the cloud said; `transitions` knows which state may follow which and writes
it; `messages` has the words.
"""
