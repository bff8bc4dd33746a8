"""Who may open and send what: the table that `docs/security.md` shows and the matrix tries.

It is written by hand, apart from the code that it is compared with: a rule that is taken out of the
code does not leave this table with it.
"""

from dataclasses import dataclass

# What a row of a page is to the person of staff. They asked for it themselves, of a volume that
# is granted to them (OWN), whose grant was taken (TAKEN), or whose grants passed their end
# (PASSED); or somebody else asked, of a volume that is granted to them by a group (GRANTED) or by a
# rule (RULED), or of one that is not (FOREIGN).
OWN, GRANTED, RULED, FOREIGN = "own", "granted", "ruled", "foreign"
TAKEN, PASSED = "taken", "passed"
RELATIONS = (OWN, GRANTED, RULED, FOREIGN, TAKEN, PASSED)

# A cell of the table, and the relations that it lets through.
EVERYTHING, NOTHING = "all", "—"
REQUESTED, OF_GRANTED, EITHER = "own requests", "granted volumes", "own requests, granted volumes"
OWN_AND_GRANTED = "own requests of granted volumes"
REACH = {
    EVERYTHING: frozenset(RELATIONS),
    NOTHING: frozenset(),
    REQUESTED: frozenset({OWN, TAKEN, PASSED}),
    OF_GRANTED: frozenset({OWN, GRANTED, RULED}),
    EITHER: frozenset(RELATIONS) - {FOREIGN},
    OWN_AND_GRANTED: frozenset({OWN}),
}

ROLES = ("staff", "helpdesk", "auditor", "administrator")
OPEN, ACCOUNT = "everybody", "signed in"
MONITORING = "by a token"  # which nobody has who signs in


@dataclass(frozen=True, slots=True)
class Rule:
    """One route with one set of methods. `methods`: GET stands for HEAD too."""

    route: str  # the name in the URL conf
    methods: str
    staff: str = NOTHING
    helpdesk: str = NOTHING
    auditor: str = NOTHING
    administrator: str = NOTHING
    kind: str = ""  # of the operation, where the address or the form names it
    open_to: str = ""  # OPEN, ACCOUNT or MONITORING, in place of roles

    @property
    def id(self) -> str:
        return f"{self.methods} {self.route} {self.kind}".strip()

    @property
    def is_administered(self) -> bool:
        """Whether it is for administrators alone."""
        cells = (self.staff, self.helpdesk, self.auditor, self.administrator)
        return cells == (NOTHING, NOTHING, NOTHING, EVERYTHING)

    def reach(self, role: str) -> frozenset[str]:
        """The relations of the rows that somebody with this role may open or send."""
        if self.open_to == OPEN or (self.open_to == ACCOUNT and role != "anonymous"):
            return REACH[EVERYTHING]
        return REACH[getattr(self, role)] if role in ROLES else REACH[NOTHING]


def _seen_by_all(route: str, staff: str = EVERYTHING) -> Rule:
    return Rule(route, "GET", staff, EVERYTHING, EVERYTHING, EVERYTHING)


def _asked(route: str, kind: str = "", staff: str = OF_GRANTED) -> list[Rule]:
    """A form and what is sent from it."""
    return [Rule(route, method, staff, EVERYTHING, kind=kind) for method in ("GET", "POST")]


def _audited(route: str) -> Rule:
    return Rule(route, "GET", auditor=EVERYTHING)


def _administered(route: str, methods: str = "GET") -> Rule:
    return Rule(route, methods, administrator=EVERYTHING)


RULES: tuple[Rule, ...] = (
    Rule("snapshots:home", "GET", open_to=ACCOUNT),
    _seen_by_all("snapshots:home_rows"),
    Rule("snapshots:portal_status", "GET", open_to=ACCOUNT),
    Rule("snapshots:portal_status_rows", "GET", open_to=ACCOUNT),
    _seen_by_all("snapshots:requests", REQUESTED),
    _seen_by_all("snapshots:rows", REQUESTED),
    _seen_by_all("snapshots:detail", REQUESTED),
    _seen_by_all("snapshots:status", REQUESTED),
    Rule("snapshots:cancel", "POST", REQUESTED, EVERYTHING, NOTHING, EVERYTHING),
    Rule("snapshots:end", "POST", NOTHING, EVERYTHING, NOTHING, EVERYTHING),
    Rule("snapshots:again", "POST", OWN_AND_GRANTED, EVERYTHING),
    *_asked("snapshots:new", "create"),
    Rule("snapshots:volume_facts", "GET", OF_GRANTED, EVERYTHING),
    Rule("snapshots:volume_offers", "GET", OF_GRANTED, EVERYTHING),
    Rule("snapshots:check", "POST", EVERYTHING, EVERYTHING),
    _seen_by_all("snapshots:snapshots", EITHER),
    _seen_by_all("snapshots:snapshot_rows", EITHER),
    _seen_by_all("snapshots:snapshot_totals"),
    _seen_by_all("snapshots:snapshot_export", EITHER),
    _seen_by_all("snapshots:snapshot", EITHER),
    _seen_by_all("snapshots:snapshot_state", EITHER),
    *_asked("snapshots:change", "rename"),
    *_asked("snapshots:change", "metadata"),
    *_asked("snapshots:change", "delete"),
    *_asked("snapshots:change", "rollback", NOTHING),
    *_asked("snapshots:change", "restore", NOTHING),
    Rule("snapshots:confirm_batch", "POST", OF_GRANTED, EVERYTHING, kind="delete"),
    Rule("snapshots:confirm_batch", "POST", OF_GRANTED, EVERYTHING, kind="metadata"),
    _seen_by_all("snapshots:batch", REQUESTED),
    _seen_by_all("snapshots:batch_rows", REQUESTED),
    _seen_by_all("snapshots:volumes", OF_GRANTED),
    _seen_by_all("snapshots:first_reading"),
    _seen_by_all("snapshots:volume", EITHER),
    _seen_by_all("snapshots:volume_state", EITHER),
    _audited("snapshots:audit"),
    _audited("snapshots:audit_export"),
    _audited("snapshots:record"),
    _audited("snapshots:questions"),
    _audited("snapshots:question"),
    _audited("snapshots:question_export"),
    _administered("snapshots:people"),
    _administered("snapshots:people_export"),
    _administered("snapshots:people_import", "GET POST"),
    _administered("snapshots:person"),
    _administered("snapshots:person_new", "GET POST"),
    _administered("snapshots:person_change", "GET POST"),
    _administered("snapshots:person_access", "GET POST"),
    _administered("snapshots:person_password", "GET POST"),
    _administered("snapshots:groups"),
    _administered("snapshots:group_new", "GET POST"),
    _administered("snapshots:group", "GET POST"),
    _administered("snapshots:grants"),
    _administered("snapshots:grant_export"),
    _administered("snapshots:grant_import", "GET POST"),
    _administered("snapshots:grant_new", "GET POST"),
    _administered("snapshots:grant_search", "POST"),
    _administered("snapshots:grant_by_rule", "GET POST"),
    _administered("snapshots:grant_of_cloud", "GET POST"),
    _administered("snapshots:grant_end", "GET POST"),
    _administered("sessions_of", "GET POST"),
    Rule("snapshots:healthz", "GET", open_to=OPEN),
    Rule("snapshots:readyz", "GET", open_to=OPEN),
    Rule("snapshots:metrics", "GET", open_to=MONITORING),
    Rule("login", "GET POST", open_to=OPEN),
    Rule("logout", "POST", open_to=OPEN),
    Rule("second_factor", "GET POST", open_to=OPEN),
    Rule("passkey_sign_in", "POST", open_to=OPEN),
    Rule("passkey_challenge", "POST", open_to=OPEN),
    Rule("password_reset", "GET POST", open_to=OPEN),
    Rule("password_reset_done", "GET", open_to=OPEN),
    Rule("password_reset_confirm", "GET POST", open_to=OPEN),
    Rule("password_reset_complete", "GET", open_to=OPEN),
    Rule("provider_start", "POST", open_to=OPEN),
    Rule("provider_callback", "GET", open_to=OPEN),
    Rule("provider_signed_out", "POST", open_to=OPEN),
    Rule("password_change", "GET POST", open_to=ACCOUNT),
    Rule("password_change_done", "GET", open_to=ACCOUNT),
    Rule("second_factor_settings", "GET POST", open_to=ACCOUNT),
    Rule("second_factor_picture", "GET", open_to=ACCOUNT),
    Rule("passkey_options", "POST", open_to=ACCOUNT),
    Rule("passkey_add", "POST", open_to=ACCOUNT),
    Rule("passkey", "POST", open_to=ACCOUNT),
    Rule("snapshots:preferences", "GET POST", open_to=ACCOUNT),
    Rule("snapshots:browser_zone", "POST", open_to=ACCOUNT),
    Rule("confirm_identity", "GET POST", open_to=ACCOUNT),
    Rule("sessions", "GET POST", open_to=ACCOUNT),
)
