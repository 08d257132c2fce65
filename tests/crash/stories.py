"""The stories that are told again and again with something going wrong: a trip, a card, what is asked when."""

from dataclasses import dataclass
from typing import Final

FLIGHT, HOTEL, CAR = "skyways standard", "restwell standard", "wheelio standard"


@dataclass(frozen=True)
class Ask:
    """One request of the traveller.

    `what`: compose, pay, confirm, cancel, authenticate, fail-authentication, webhook. `when`: "" at
    once, `message:n` once so many messages were worked off, `call:n` while the n-th HTTP request is on its way,
    `waiting` when the cardholder must act, `completed` when the flow before is.
    """

    what: str
    when: str = ""


CONFIRM: Final = Ask("confirm")


@dataclass(frozen=True)
class Story:
    """What happens if nothing goes wrong: `ends` is the reservation's status then.

    `legs` are "<partner> <product>". With `bus` relay, consumer and mailer work alongside, else only
    at the end, uncounted. `core` stories are told with statements that fail and workers that sleep, too.
    `parks`: a person must settle it, whatever is tried. `audited`: once the flow is over, what was to land
    much later lands, and the reconciler compares the ledgers. `messages` is how the broker treats them:
    "drop" loses all, "triple" brings each three times.
    """

    name: str
    ends: str
    legs: tuple[str, ...] = (FLIGHT, HOTEL, CAR)
    card: str = "pm_card_visa"
    asks: tuple[Ask, ...] = (CONFIRM,)
    core: bool = False
    bus: bool = False
    parks: bool = False
    audited: bool = False
    poison: bool = False
    messages: str = ""


def _leg(slug: str, product: str) -> Story:
    legs = {"flight": FLIGHT, "hotel": HOTEL, "car": CAR}
    legs[slug] = f"{legs[slug].split()[0]} {product}"
    return Story(f"{slug}-{product}", "failed", tuple(legs.values()))


def _cancelled(name: str, when: str, ends: str = "cancelled", **more: object) -> Story:
    return Story(name, ends, asks=(CONFIRM, Ask("cancel", when)), **more)  # type: ignore[arg-type]


_SUCCESS = Story("all-succeed", "confirmed", core=True)
_3DS = "pm_card_authenticationRequired"

STORIES: Final = (
    _SUCCESS,
    Story(
        "from-offers-to-trip",
        "confirmed",
        (FLIGHT, HOTEL),
        asks=(Ask("compose"), Ask("pay"), CONFIRM),
    ),
    _leg("flight", "sold-out"),
    Story("hotel-sold-out", "failed", (FLIGHT, "restwell sold-out", CAR), core=True),
    _leg("car", "refused"),
    Story("two-refused", "failed", (FLIGHT, "restwell sold-out", "wheelio sold-out")),
    Story("price-changed", "failed", ("skyways price-changed", HOTEL)),
    Story("declined", "failed", card="pm_card_chargeDeclined"),
    Story("declined-at-capture", "failed", card="pm_card_declineAtCapture", core=True),
    Story("booking-unanswered", "confirmed", ("skyways timeout-after", HOTEL, CAR)),
    Story("booking-lost", "confirmed", (FLIGHT, "restwell timeout-before", CAR)),
    Story("booking-never-answered", "confirmed", ("skyways timeout-always-after", HOTEL)),
    Story(
        "unanswered-then-refused",
        "failed",
        ("skyways timeout-after", "restwell sold-out", CAR),
    ),
    Story("lands-late", "confirmed", ("skyways late-effect", HOTEL)),
    Story("lands-late-though-refused", "failed", ("skyways late-effect", "restwell sold-out")),
    Story(
        "cancel-before-it-lands",
        "cancelled",
        ("skyways late-effect", HOTEL),
        asks=(CONFIRM, Ask("cancel", "call:99")),
    ),
    Story("error-once", "confirmed", (FLIGHT, "restwell error-once")),
    Story("error-always", "failed", (FLIGHT, "restwell error-always")),
    Story("garbage-once", "confirmed", ("skyways garbage-once", HOTEL)),
    Story("cancel-fails-once", "failed", ("skyways cancel-fails-once", "restwell sold-out")),
    Story("authorise-unanswered", "confirmed", card="pm_card_authorise_timeout_after"),
    Story("authorise-lost", "confirmed", card="pm_card_authorise_timeout_before"),
    Story("authorise-error", "confirmed", (FLIGHT, HOTEL), card="pm_card_error_once"),
    Story("capture-unanswered", "confirmed", card="pm_card_capture_timeout_after", core=True),
    Story("capture-lost", "confirmed", card="pm_card_capture_timeout_before"),
    _cancelled("cancel-at-once", "message:0"),
    _cancelled("cancel-while-authorising", "call:1"),
    _cancelled("cancel-after-authorising", "message:1"),
    _cancelled("cancel-while-booking-first", "call:2"),
    _cancelled("cancel-while-booking-last", "call:4", core=True),
    _cancelled("cancel-after-booking", "message:2"),
    _cancelled("cancel-while-capturing", "call:5", "confirmed"),
    Story("cancel-a-draft", "cancelled", (FLIGHT,), asks=(Ask("pay"), Ask("cancel"), CONFIRM)),
    _cancelled("cancel-after-success", "completed", core=True),
    Story(
        "partner-refuses-to-cancel",
        "cancelling",
        ("skyways cancel-refused", HOTEL),
        asks=(CONFIRM, Ask("cancel", "completed")),
        parks=True,
    ),
    Story(
        "nothing-can-be-cancelled",
        "confirmed",
        ("skyways cancel-refused",),
        asks=(CONFIRM, Ask("cancel", "completed")),
    ),
    Story("confirmed-twice", "confirmed", asks=(CONFIRM, CONFIRM, Ask("confirm", "call:2"))),
    Story(
        "3ds-passed", "confirmed", (FLIGHT, HOTEL), _3DS, (CONFIRM, Ask("authenticate", "waiting"))
    ),
    Story(
        "3ds-passed-and-told",
        "confirmed",
        (FLIGHT,),
        _3DS,
        (CONFIRM, Ask("authenticate", "waiting"), Ask("webhook", "waiting"), Ask("webhook")),
    ),
    Story(
        "3ds-failed",
        "failed",
        (FLIGHT,),
        _3DS,
        (CONFIRM, Ask("fail-authentication", "waiting")),
    ),
    Story("3ds-ignored", "failed", (FLIGHT,), _3DS),
    Story("class-b", "confirmed", ("budgetair standard", HOTEL)),
    Story("class-b-unanswered", "confirmed", ("budgetair timeout-after", HOTEL)),
    Story(
        "class-b-unanswered-then-refused",
        "failed",
        ("budgetair timeout-after", "restwell sold-out"),
    ),
    Story("class-b-lands-late", "failed", ("budgetair late-effect", "restwell sold-out")),
    Story("class-c", "confirmed", (FLIGHT, "oldinn standard")),
    Story("class-c-unanswered", "confirmed", (FLIGHT, "oldinn timeout-after")),
    Story("class-c-lost", "confirmed", (FLIGHT, "oldinn timeout-before")),
    Story("class-c-lands-late", "confirmed", (FLIGHT, "oldinn late-effect")),
    Story("class-c-refused", "failed", ("skyways sold-out", "oldinn timeout-after"), core=True),
    Story(
        "found-by-the-audit",
        "failed",
        ("budgetair books-much-later", "restwell sold-out"),
        card="pm_card_captured_much_later",
        audited=True,
    ),
    Story("heard-by-crm", "confirmed", (FLIGHT, HOTEL), bus=True),
    Story(
        "heard-by-crm-cancelled",
        "cancelled",
        (FLIGHT,),
        asks=(CONFIRM, Ask("cancel", "completed")),
        bus=True,
    ),
    Story("heard-by-crm-failed", "failed", (FLIGHT, "restwell sold-out"), bus=True),
    Story("all-messages-lost", "confirmed", (FLIGHT, HOTEL), bus=True, messages="drop"),
    Story(
        "all-messages-lost-and-sold-out", "failed", (FLIGHT, "restwell sold-out"), messages="drop"
    ),
    Story("all-messages-tripled", "confirmed", messages="triple"),
    Story("poisoned", "confirmed", (FLIGHT,), bus=True, poison=True),
)
BY_NAME: Final = {story.name: story for story in STORIES}
