"""The portal's pages. A fragment's address lies below its page's."""

from django.urls import path

from snapshots.views import audit, changes, health, operations, questions, records, request, volumes

app_name = "snapshots"
urlpatterns = [
    # /  what was asked for
    path("", operations.home, name="home"),
    path("snapshots/rows/", operations.rows, name="rows"),
    # /snapshots/new/  asking
    path("snapshots/new/", request.new, name="new"),
    path("snapshots/new/volume/", request.volume_facts, name="volume_facts"),
    # /snapshots/<operation>/  what became of it
    path("snapshots/<uuid:operation_id>/", operations.detail, name="detail"),
    path("snapshots/<uuid:operation_id>/status/", operations.status, name="status"),
    path("snapshots/<uuid:operation_id>/cancel/", operations.cancel, name="cancel"),
    path("snapshots/<uuid:operation_id>/end/", operations.end, name="end"),
    path("snapshots/<uuid:operation_id>/again/", operations.again, name="again"),
    path("snapshots/<uuid:operation_id>/change/<slug:kind>/", changes.change, name="change"),
    # /volumes/
    path("volumes/", volumes.volumes, name="volumes"),
    path("volumes/first/", volumes.first_reading, name="first_reading"),
    # /audit/  what was sent and answered
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit.export, name="audit_export"),
    path("audit/<uuid:record_id>/", records.record, name="record"),
    # /audit/questions/  what auditors ask again and again
    path("audit/questions/", questions.questions, name="questions"),
    path("audit/questions/<slug:name>/", questions.question, name="question"),
    path("audit/questions/<slug:name>/export/", questions.export, name="question_export"),
    # for load balancers and monitoring
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]
