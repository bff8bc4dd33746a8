"""Every address of the portal starts here."""

from django.contrib.auth import views as accounts
from django.urls import include, path

from snapshots.views import passkeys, password_reset, provider, second_factor, sessions, step_up
from snapshots.views.access import public, signed_in
from snapshots.views.accounts import PortalLoginView, PortalLogoutView, PortalPasswordView

urlpatterns = [
    path("", include("snapshots.urls")),
    path("accounts/login/", public(PortalLoginView.as_view()), name="login"),
    path("accounts/logout/", public(PortalLogoutView.as_view()), name="logout"),
    path(
        "accounts/password/",
        signed_in(step_up.with_recent_proof(step_up.has_password)(PortalPasswordView.as_view())),
        name="password_change",
    ),
    path(
        "accounts/password/done/",
        signed_in(accounts.PasswordChangeDoneView.as_view()),
        name="password_change_done",
    ),
    path("accounts/reset/", password_reset.ask, name="password_reset"),
    path("accounts/reset/sent/", password_reset.done, name="password_reset_done"),
    path(
        "accounts/reset/<uidb64>/<token>/",
        public(password_reset.ResetView.as_view()),
        name="password_reset_confirm",
    ),
    path(
        "accounts/reset/complete/",
        public(accounts.PasswordResetCompleteView.as_view()),
        name="password_reset_complete",
    ),
    path("accounts/sessions/", sessions.own, name="sessions"),
    path("accounts/sessions/<int:person_id>/", sessions.of_person, name="sessions_of"),
    path("accounts/confirm/", step_up.confirm, name="confirm_identity"),
    path("accounts/second-factor/", second_factor.ask, name="second_factor"),
    path(
        "accounts/second-factor/settings/",
        second_factor.settings_page,
        name="second_factor_settings",
    ),
    path(
        "accounts/second-factor/picture/",
        second_factor.picture,
        name="second_factor_picture",
    ),
    path("accounts/passkey/", passkeys.sign_in, name="passkey_sign_in"),
    path("accounts/passkey/challenge/", passkeys.challenge, name="passkey_challenge"),
    path("accounts/second-factor/passkeys/", passkeys.add, name="passkey_add"),
    path("accounts/second-factor/passkeys/options/", passkeys.options, name="passkey_options"),
    path("accounts/second-factor/passkeys/<int:passkey_id>/", passkeys.change, name="passkey"),
    path("accounts/provider/", provider.start, name="provider_start"),
    path("accounts/provider/callback/", provider.callback, name="provider_callback"),
    path("accounts/provider/signed-out/", provider.signed_out, name="provider_signed_out"),
]

handler400 = "snapshots.views.errors.bad_request"
handler403 = "snapshots.views.errors.forbidden"
handler404 = "snapshots.views.errors.not_found"
handler500 = "snapshots.views.errors.server_error"
