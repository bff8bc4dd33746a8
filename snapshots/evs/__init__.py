"""The client of the cloud's block storage API (EVS, and the Cinder it comes from).

Calls go down: `client` > `snapshot_calls`, `volume_calls` > `calls` > `paging`, `connection` >
`auth`, `catalog` > `wire` > `errors`, `types`.
Nothing here knows Django or our database; each exchange is reported to a `Recorder` that the caller
provides.
"""
