"""The portal's pages. A fragment's address lies below its page's."""

from django.urls import path, register_converter

from snapshots.views import (
    addresses,
    audit,
    batches,
    board,
    changes,
    choosing,
    granting,
    grants,
    groups,
    health,
    imports,
    operations,
    people,
    person_changes,
    preferences,
    questions,
    records,
    request,
    snapshots,
    volumes,
)

register_converter(addresses.CloudText, "cloudtext")
_OLD = "snapshots/<uuid:operation_id>/"  # of a request, before snapshots had pages of their own
_SNAPSHOT = "snapshots/<cloudtext:cloud>/<cloudtext:snapshot_id>/"
_VOLUME = "volumes/<cloudtext:cloud>/<cloudtext:volume_id>/"

app_name = "snapshots"
urlpatterns = [
    path("", board.home, name="home"),
    path("home/", board.home_rows, name="home_rows"),
    # /status/  how the portal and its clouds are
    path("status/", board.portal_status, name="portal_status"),
    path("status/rows/", board.portal_status_rows, name="portal_status_rows"),
    # /requests/  what people asked for, and what became of it
    path("requests/", operations.requests, name="requests"),
    path("requests/rows/", operations.rows, name="rows"),
    path("requests/<uuid:operation_id>/", operations.detail, name="detail"),
    path("requests/<uuid:operation_id>/status/", operations.status, name="status"),
    path("requests/<uuid:operation_id>/cancel/", operations.cancel, name="cancel"),
    path("requests/<uuid:operation_id>/end/", operations.end, name="end"),
    path("requests/<uuid:operation_id>/again/", operations.again, name="again"),
    # /snapshots/new/  asking
    path("snapshots/new/", request.new, name="new"),
    path("snapshots/new/volume/", choosing.volume_facts, name="volume_facts"),
    path("snapshots/new/volumes/", choosing.offers, name="volume_offers"),
    path("snapshots/new/check/", choosing.check, name="check"),
    # addresses that people may have kept
    path("snapshots/rows/", addresses.old_rows),
    path(_OLD, addresses.old_request, {"page": "detail"}),
    *(
        path(f"{_OLD}{page}/", addresses.old_request, {"page": page})
        for page in ("status", "cancel", "end", "again")
    ),
    path(f"{_OLD}change/<slug:kind>/", addresses.old_change),
    # /snapshots/  what the clouds hold
    path("snapshots/", snapshots.snapshots, name="snapshots"),
    path("snapshots/news/", snapshots.rows, name="snapshot_rows"),
    path("snapshots/totals/", snapshots.totals, name="snapshot_totals"),
    path("snapshots/export/", snapshots.export, name="snapshot_export"),
    path("snapshots/batch/", batches.confirm, name="confirm_batch"),
    path(_SNAPSHOT, snapshots.snapshot, name="snapshot"),
    path(f"{_SNAPSHOT}state/", snapshots.state, name="snapshot_state"),
    path(f"{_SNAPSHOT}<slug:kind>/", changes.change, name="change"),
    # /batches/  what was asked for several snapshots at once
    path("batches/<uuid:batch_id>/", batches.batch, name="batch"),
    path("batches/<uuid:batch_id>/rows/", batches.rows, name="batch_rows"),
    # /volumes/
    path("volumes/", volumes.volumes, name="volumes"),
    path("volumes/first/", volumes.first_reading, name="first_reading"),
    path(_VOLUME, volumes.volume, name="volume"),
    path(f"{_VOLUME}snapshots/", volumes.volume_state, name="volume_state"),
    # /audit/  what was sent and answered
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit.export, name="audit_export"),
    path("audit/<uuid:record_id>/", records.record, name="record"),
    # /audit/questions/  what auditors ask again and again
    path("audit/questions/", questions.questions, name="questions"),
    path("audit/questions/<slug:name>/", questions.question, name="question"),
    path("audit/questions/<slug:name>/export/", questions.export, name="question_export"),
    # /people/, /groups/, /grants/  for administrators
    path("people/", people.people, name="people"),
    path("people/export/", imports.export_people, name="people_export"),
    path("people/import/", imports.import_people, name="people_import"),
    path("people/new/", person_changes.new, name="person_new"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/change/", person_changes.change, name="person_change"),
    path("people/<int:person_id>/access/", person_changes.access, name="person_access"),
    path("people/<int:person_id>/password/", person_changes.password, name="person_password"),
    path("groups/", groups.groups, name="groups"),
    path("groups/new/", groups.new, name="group_new"),
    path("groups/<int:group_id>/", groups.change, name="group"),
    path("grants/", grants.grants, name="grants"),
    path("grants/export/", imports.export_grants, name="grant_export"),
    path("grants/import/", imports.import_grants, name="grant_import"),
    path("grants/new/", granting.new, name="grant_new"),
    path("grants/new/volumes/", granting.search, name="grant_search"),
    path("grants/new/rule/", granting.by_rule, name="grant_by_rule"),
    path("grants/new/cloud/", granting.of_cloud, name="grant_of_cloud"),
    path("grants/<int:grant_id>/end/", grants.end, name="grant_end"),
    # /preferences/  a person's own
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/zone/", preferences.browser_zone, name="browser_zone"),
    # for load balancers and monitoring
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
