"""People and their roles. Which volumes they may use, operations and exchanges are not here: the
portal's own pages show them.
"""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from snapshots.audit.record.actions import record
from snapshots.models import OWN_RIGHTS, ActionCode, Role
from snapshots.models.directions import isolated
from snapshots.models.folded import Fold
from snapshots.models.folding import fold
from snapshots.operations.withdrawing import hold_people, waiting_requests, withdraw_requests
from snapshots.rights.policy import Right, administrators, may
from snapshots.views.access import for_administrators, public
from snapshots.views.grants import tell_of_withdrawn
from snapshots.views.sessions import link_to_sessions
from snapshots.views.step_up import with_recent_proof


class PortalAdminSite(admin.AdminSite):
    """Only administrators come in; to everybody else it does not exist."""

    site_header = "EVS snapshots: administration"
    site_title = "EVS snapshots"
    index_title = "Accounts and groups"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Right.ADMINISTER)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        return for_administrators(with_recent_proof()(super().admin_view(view, cacheable)))

    @public
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one sign-in page."""
        return redirect("login")

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> Any:
        return redirect("password_change")


site = PortalAdminSite(name="admin")


class ForAdministrators(admin.ModelAdmin):  # type: ignore[type-arg]
    """The role decides, not Django's single permissions. Nothing here is deleted by default."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Right.ADMINISTER)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, Right.ADMINISTER)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return may(request.user, Right.ADMINISTER)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return may(request.user, Right.ADMINISTER)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_search_results(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        search_term: str,
    ) -> tuple[QuerySet[Any], bool]:
        """As the portal's own searches: every spelling is found."""
        names = self.get_search_fields(request)
        queryset = queryset.alias(**{f"folded_{name}": Fold(name) for name in names})
        for word in fold(search_term).split():
            says = Q()
            for name in names:
                says |= Q(**{f"folded_{name}__contains": word})
            queryset = queryset.filter(says)
        return queryset, False


class PersonForm(UserChangeForm):  # type: ignore[type-arg]
    """Nobody gives rights to themselves, and an administrator is always left."""

    changed_by: User  # by PersonAdmin.get_form

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance == self.changed_by:
            self._keep_own_rights()
        elif self._leaves_nobody(cleaned):
            raise self._refusal(
                "This is the last active administrator. Make somebody else administrator first."
            )
        return cleaned

    def _refusal(self, sentence: str) -> ValidationError:
        """Record that somebody tried to change rights, and return the error to raise."""
        person = self.instance.get_username()
        record(ActionCode.PERSON_REFUSED, subject=person, details={"why": sentence})
        return ValidationError(sentence)

    def _keep_own_rights(self) -> None:
        rights = [self.fields[name].label for name in RIGHTS if name in self.changed_data]
        if rights:
            raise self._refusal(
                f"You cannot change this of yourself: {', '.join(map(str, rights))}. "
                "Ask another administrator."
            )

    def _leaves_nobody(self, cleaned: dict[str, Any]) -> bool:
        if self.instance.pk is None or self.errors:
            return False
        groups = {group.name for group in cleaned.get("groups", ())}
        is_superuser = cleaned.get("is_superuser", self.instance.is_superuser)
        if cleaned.get("is_active") and (is_superuser or Role.ADMINISTRATOR in groups):
            return False
        # Locked first, then read: two administrators may be shutting out each other.
        list(administrators().select_for_update(of=("self",)).order_by("pk"))
        return not administrators().exclude(pk=self.instance.pk).exists()


MOST_WAITING_SHOWN = 10
RIGHTS = ("is_active", "groups", "is_superuser")


@admin.register(User, site=site)
class PersonAdmin(ForAdministrators, UserAdmin):  # type: ignore[type-arg]
    """People. An administrator who is no superuser neither sees superusers nor makes any."""

    form = PersonForm
    add_fieldsets = (
        (
            None,
            {
                **UserAdmin.add_fieldsets[0][1],
                "description": "This is a one-time password: at the first sign-in, within 72"
                " hours, the person chooses another. So it is with each that you set later.",
            },
        ),
    )
    list_display = ("username", "first_name", "last_name", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    filter_horizontal = ("groups",)
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        (
            "What this person may do",
            {
                "fields": ("is_active", "groups", "waiting", "sessions"),
                "description": "People are never deleted: what they asked for stays on record. "
                "Untick “Active” to shut somebody out. What they asked for and may not ask for "
                "any more is cancelled, unless it was already sent.",
            },
        ),
        ("Since when", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("waiting", "sessions", "last_login", "date_joined")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if set(form.changed_data) & set(RIGHTS):
            tell_of_withdrawn(request, withdraw_requests([form.instance]))

    @admin.display(description="Waiting requests")
    def waiting(self, person: User) -> str:
        return _waiting_of([person]) if person.pk else "none"

    @admin.display(description="Sessions")
    def sessions(self, person: User) -> str:
        return link_to_sessions(person)

    @admin.display(description="Roles and groups")
    def roles(self, person: User) -> str:
        return ", ".join(group.name for group in person.groups.all()) or "none"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        people: QuerySet[User] = super().get_queryset(request).prefetch_related("groups")
        return people if _is_superuser(request) else people.exclude(is_superuser=True)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not _is_superuser(request):
            return fieldsets
        return (*fieldsets, ("Above all roles", {"fields": ("is_superuser",)}))

    def get_form(
        self,
        request: HttpRequest,
        obj: Any = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.changed_by = request.user  # a class made for this request
        return form


def _is_superuser(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_superuser


def _waiting_of(people: Iterable[User]) -> str:
    """How many requests wait to be sent, with links to the oldest."""
    waiting = waiting_requests(people)
    links = format_html_join(
        ", ",
        '<a href="{}">{}</a>',
        (
            (
                reverse("snapshots:detail", args=[row.pk]),
                isolated(row.subject_name or row.volume_name),
            )
            for row in waiting[:MOST_WAITING_SHOWN]
        ),
    )
    more = waiting.count() - MOST_WAITING_SHOWN
    if not links:
        return "none"
    return format_html("{} and {} more", links, more) if more > 0 else links


class RightsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Rights by their names alone: Django's labels tell the table first."""

    def label_from_instance(self, obj: Permission) -> str:
        return obj.name


@admin.register(Group, site=site)
class GroupAdmin(ForAdministrators):
    """Teams that share volumes, and may have more rights than their roles. The four roles are
    groups too, and stay as they are.
    """

    list_display = ("name", "is_role")
    search_fields = ("name",)
    fields = ("name", "permissions")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The portal's own rights alone: Django's others decide nothing here."""
        rights = Permission.objects.filter(
            content_type__app_label="snapshots", codename__in=[name for name, _ in OWN_RIGHTS]
        )
        return RightsField(rights, required=False, widget=forms.CheckboxSelectMultiple)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        if "permissions" not in form.changed_data:
            super().save_related(request, form, formsets, change)
            return
        people = list(form.instance.user_set.all())
        hold_people(people)
        super().save_related(request, form, formsets, change)
        tell_of_withdrawn(request, withdraw_requests(people))

    @admin.display(boolean=True, description="A role")
    def is_role(self, group: Group) -> bool:
        return group.name in Role.values

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(request.user, Right.ADMINISTER) and not (obj and self.is_role(obj))
