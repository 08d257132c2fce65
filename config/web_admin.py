"""How the web admin looks: the theme's settings."""

from typing import Any

from django.templatetags.static import static

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Travel booking",
    "SITE_HEADER": "Travel booking",
    "SITE_URL": None,  # there is no other site than this
    "SITE_SYMBOL": "travel_explore",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": lambda request: static("backoffice/icon.svg"),
        }
    ],
    # Colours come from the style sheet: the policy allows no style element in the page.
    "COLORS": lambda request: {},
    "STYLES": [lambda request: static("backoffice/office.css")],
    "SCRIPTS": [
        lambda request: static("backoffice/expressions.js"),
        lambda request: static("backoffice/frame.js"),
    ],
    "SIDEBAR": {"navigation": "config.menu.navigation", "show_all_applications": False},
    "DASHBOARD_CALLBACK": "backoffice.home.dashboard",
    "LOGIN": {"form": "identity.forms.SignInForm"},
}
