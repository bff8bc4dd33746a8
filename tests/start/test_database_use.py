"""The sandbox and a portal with real clouds never share a database."""

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from snapshots import clouds
from snapshots.checks import check_clouds
from snapshots.management.database import bring_up_to_date, refuse_another_mode
from snapshots.models import DatabaseUse, Exchange, Operation, Volume, VolumeGrant
from tests import factories as scene

pytestmark = pytest.mark.django_db


def of_volume(cloud):
    Volume.objects.create(cloud=cloud, volume_id="v", status="available", seen_at=timezone.now())


def of_grant(cloud):
    VolumeGrant.objects.create(cloud=cloud, volume_id="v", user=scene.person("alice"))


def of_operation(cloud):
    operation = scene.operation(scene.person("alice"), scene.volume())
    Volume.objects.all().delete()
    Operation.objects.filter(pk=operation.pk).update(cloud=cloud)


def of_exchange(cloud):
    Exchange.objects.create(
        at=timezone.now(),
        purpose="login",
        cloud=cloud,
        sandbox=cloud == clouds.SANDBOX,
        method="GET",
        url="http://127.0.0.1/",
        headers={},
    )


ROWS = [of_volume, of_grant, of_operation, of_exchange]
MODES = [("sandbox", "ankara", "belongs to a portal"), ("cloud", "sandbox", "used by the sandbox")]


@pytest.mark.parametrize(("mode", "other", "message"), MODES, ids=["sandbox", "cloud"])
@pytest.mark.parametrize("make_row", ROWS)
def test_unmarked_database_of_the_other_mode_is_refused(make_row, mode, other, message, settings):
    make_row(other)
    settings.EVSPORTAL_MODE = mode
    with pytest.raises(CommandError, match=message):
        refuse_another_mode()
    assert not DatabaseUse.objects.exists()


@pytest.mark.parametrize(("mode", "cloud"), [("sandbox", "sandbox"), ("cloud", "ankara")])
@pytest.mark.parametrize("make_row", ROWS)
def test_unmarked_database_of_the_same_mode_is_marked(make_row, mode, cloud, settings):
    make_row(cloud)
    settings.EVSPORTAL_MODE = mode
    refuse_another_mode()
    refuse_another_mode()
    assert DatabaseUse.objects.get().mode == mode


@pytest.mark.parametrize(("first", "second"), [("sandbox", "cloud"), ("cloud", "sandbox")])
def test_empty_database_belongs_to_its_first_mode(first, second, settings):
    settings.EVSPORTAL_MODE = first
    bring_up_to_date(also_filled=False, report=print)
    settings.EVSPORTAL_MODE = second
    with pytest.raises(CommandError, match=r"so (it is not used|the sandbox does not)"):
        bring_up_to_date(also_filled=False, report=print)


def test_check_of_the_database_refuses_the_other_mode(settings):
    settings.EVSPORTAL_MODE = "sandbox"
    refuse_another_mode()
    settings.EVSPORTAL_MODE = "cloud"
    with pytest.raises(SystemCheckError, match="used by the sandbox, so it is not used with real"):
        call_command("check", databases=["default"])


def test_real_cloud_named_sandbox_is_refused(settings, tmp_path):
    path = tmp_path / "clouds.yaml"
    path.write_text(
        "clouds: {sandbox: {auth: {auth_url: 'https://iam.example.com/v3', username: a,"
        " password: b, user_domain_name: c, project_name: d}}}"
    )
    path.chmod(0o600)
    settings.EVSPORTAL_MODE = "cloud"
    settings.EVSPORTAL_CLOUDS = str(path)
    clouds.forget()
    errors = check_clouds()
    clouds.forget()
    assert [error.id for error in errors] == ["evsportal.E020"]
    assert "may be named 'sandbox'" in errors[0].msg
