"""The URLs of Identity, under /api/v1/."""

from django.urls import path

from identity.api import refusals, views

refusals.register()

urlpatterns = [
    path("tokens", views.Tokens.as_view(), name="tokens"),
    path("tokens/<slug:token_id>", views.Token.as_view(), name="token"),
    path("accounts/verify", views.Verification.as_view(), name="verify"),
    path("accounts/verify/resend", views.VerificationMail.as_view(), name="verify-resend"),
    path("accounts/password-reset", views.PasswordReset.as_view(), name="password-reset"),
    path(
        "accounts/password-reset/confirm",
        views.NewPassword.as_view(),
        name="password-reset-confirm",
    ),
    path("problems", views.Problems.as_view(), name="problems"),
    path("problems/<slug:code>", views.ProblemKind.as_view(), name="problem"),
]
