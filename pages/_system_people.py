"""Users and tokens: who may do what, for admins; and for everybody their own tokens and password."""

from collections.abc import Callable
from datetime import timedelta

import polars as pl
import streamlit as st

from core import views
from core.actions import identities as users
from core.actions import tokens
from core.entities import Actor
from core.identity import SHORTEST_PASSWORD, ApiToken, Principal
from core.permissions import ROLES
from pages import _shared
from pages._commands import carry_out, outcome, turn
from pages._shared import alone, arrow, store

SECRET = "token-secret"  # in the session's state, for one showing
KINDS = {"local": "Password", "oidc": "Identity provider", "service": "Tokens only"}
WHEN = "D MMM YYYY HH:mm"
HINT = f"{SHORTEST_PASSWORD} characters or more"


def show(actor: Actor) -> None:
    """Show users and tokens as far as they are the actor's business."""
    alone()
    outcome()
    if actor.credential is None:
        return
    is_admin = _shared.refusal(actor, "user.manage") is None
    found = views.people(store(), None if is_admin else actor.id)
    if is_admin:
        st.subheader("Users", anchor=False)
        chosen = _choose_user(found.users)
        _new_user()
        if chosen is not None:
            _one_user(chosen, found.scopes)
    me = next(each for each in views.people(store(), actor.id).users)
    st.subheader("Tokens", anchor=False)
    st.caption(
        "For pipelines and terminals, as STEWARD_TOKEN. A token may at most what its owner may, "
        "decides on no promotion, and is shown once."
    )
    _tokens(found.tokens)
    services = [each for each in found.users if each.kind == "service" and each.state == "active"]
    _new_token(me, services if is_admin else [])
    if me.kind == "local":
        _own_password(me)


def _choose_user(every: list[Principal]) -> Principal | None:
    frame = pl.DataFrame(
        {
            "User": [each.id for each in every],
            "Name": [each.name or None for each in every],
            "State": ["● Active" if each.state == "active" else "✕ Disabled" for each in every],
            "Signs in by": [KINDS[each.kind] for each in every],
            "Roles": [", ".join(sorted(each.roles)) or None for each in every],
            "Since": [each.created_at.date() for each in every],
        },
        schema_overrides={"Name": pl.String, "Roles": pl.String},
    )
    picked = st.dataframe(
        arrow(frame),
        key=f"users-{len(every)}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        height="content" if frame.height <= 10 else 390,
        column_config={
            "User": st.column_config.TextColumn(width=220),
            "Roles": st.column_config.TextColumn(
                width=320, help="Given here; an identity provider adds to them."
            ),
            "Since": st.column_config.DateColumn(format="D MMM YYYY", width=100),
        },
        alt="Users with their roles",
    )
    rows = [row for row in picked.selection.rows if row < len(every)]
    if not rows:
        st.caption("Click a row to give or take roles, set a password, or close the access.")
    return every[rows[0]] if rows else None


def _one_user(user: Principal, scopes: list[str]) -> None:
    name = f"user-{user.id}-{turn()}"
    with st.container(border=True):
        st.text(user.id)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            role = st.selectbox("Role", ROLES, key=f"{name}-role", format_func=_word, width=180)
            scope = st.selectbox(
                "Where",
                ["", *scopes],
                key=f"{name}-scope",
                format_func=lambda s: s or "Everywhere",
                width=220,
            )
            given = f"{role}@{scope}" if scope else str(role)
            st.button(
                "Give the role", key=f"{name}-give", on_click=_run, args=(lambda: _grant(user.id, given),)
            )
            if user.roles:
                held = st.selectbox("Held", sorted(user.roles), key=f"{name}-held", width=220)
                st.button(
                    "Take it away", key=f"{name}-take", on_click=_run, args=(lambda: _revoke(user.id, held),)
                )
        with st.container(horizontal=True):
            if user.state == "active":
                label, icon, run = "Close the access", "person_off", lambda: _disable(user.id)
            else:
                label, icon, run = "Open the access again", "person_check", lambda: _enable(user.id)
            st.button(label, key=f"{name}-state", icon=f":material/{icon}:", on_click=_run, args=(run,))
            if user.kind == "local":
                with (
                    st.popover("Set a password", icon=":material/password:", key=f"{name}-open"),
                    st.form(f"{name}-form", border=False),
                ):
                    st.text_input(
                        "New password", type="password", placeholder=HINT, key=f"{name}-new", width=280
                    )
                    st.form_submit_button(
                        "Set it", type="primary", on_click=_run, args=(lambda: _set(user.id, f"{name}-new"),)
                    )


def _new_user() -> None:
    mode = store().workspace.settings.auth.mode
    name = f"new-user-{turn()}"
    with (
        st.popover("New user", icon=":material/person_add:", key=f"{name}-open"),
        st.form(f"{name}-form", border=False),
    ):
        st.text_input("E-mail address", key=f"{name}-address", width=320)
        st.text_input("Name", key=f"{name}-name", width=320)
        st.multiselect("Roles", ROLES, key=f"{name}-roles", format_func=_word, width=320)
        if mode == "local":
            st.text_input("Password", type="password", placeholder=HINT, key=f"{name}-password", width=320)
        st.checkbox("A pipeline: no sign-in, tokens only", key=f"{name}-service")
        st.form_submit_button(
            "Make the user", type="primary", on_click=_run, args=(lambda: _add(name, mode),)
        )


def _tokens(every: list[ApiToken]) -> None:
    if secret := st.session_state.pop(SECRET, None):
        st.success("**Copy the token now**; it is not kept and not shown again.", icon=":material/key:")
        st.code(secret, language=None)
    wall = _shared.wall_clock()
    holding = [each for each in every if each.revoked_at is None and each.expires_at > wall]
    if not holding:
        st.caption("No token holds.")
        return
    frame = pl.DataFrame(
        {
            "Token": [each.name for each in holding],
            "Owner": [each.principal for each in holding],
            "Roles": [", ".join(each.roles) for each in holding],
            "Until (UTC)": [each.expires_at for each in holding],
            "Used (UTC)": [each.used_at for each in holding],
        },
        schema_overrides={"Used (UTC)": pl.Datetime("us", "UTC")},
    )
    picked = st.dataframe(
        arrow(frame),
        key=f"tokens-{hash(tuple(each.id for each in holding))}",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        placeholder="–",
        height="content" if frame.height <= 8 else 320,
        column_config={
            "Owner": st.column_config.TextColumn(width=220),
            **{
                column: st.column_config.DatetimeColumn(format=WHEN, width=150)
                for column in ("Until (UTC)", "Used (UTC)")
            },
        },
        alt="Tokens that hold",
    )
    rows = [row for row in picked.selection.rows if row < len(holding)]
    if rows:
        token = holding[rows[0]]
        st.button(
            f"Revoke {token.name}",
            icon=":material/key_off:",
            on_click=_run,
            args=(lambda: f"Revoked: {tokens.revoke(store(), token.id, _shared.asking()).name}",),
        )


def _new_token(me: Principal, services: list[Principal]) -> None:
    owners = {each.id: each for each in (me, *services) if each.roles}
    if not owners:
        st.caption("A token holds roles that were given here; yours come from the identity provider alone.")
        return
    name = f"new-token-{turn()}"
    with st.popover("New token", icon=":material/key:", key=f"{name}-open"):
        owner = st.selectbox("Owner", list(owners), key=f"{name}-owner", width=320) if services else me.id
        held = sorted(owners.get(owner or me.id, me).roles)
        with st.form(f"{name}-form", border=False):
            st.text_input("What it is for", key=f"{name}-name", max_chars=100, width=320)
            st.multiselect("Roles", held, key=f"{name}-roles", width=320)
            st.number_input("Days", 1, 365, 90, key=f"{name}-days", width=160)
            st.form_submit_button(
                "Make the token", type="primary", on_click=_run, args=(lambda: _create(name, owner, me.id),)
            )


def _own_password(me: Principal) -> None:
    name = f"own-{turn()}"
    with (
        st.popover("Change my password", icon=":material/password:", key=f"{name}-open"),
        st.form(f"{name}-form", border=False),
    ):
        st.text_input("Password until now", type="password", key=f"{name}-current", width=280)
        st.text_input("New password", type="password", placeholder=HINT, key=f"{name}-new", width=280)
        st.form_submit_button(
            "Change it",
            type="primary",
            on_click=_run,
            args=(lambda: _set(me.id, f"{name}-new", f"{name}-current"),),
        )


def _run(command: Callable[[], str]) -> None:
    carry_out(command)


def _grant(user: str, role: str) -> str:
    return f"{users.grant(store(), user, role, _shared.asking()).id} is {_word(role)}"


def _revoke(user: str, role: str) -> str:
    return f"{users.revoke(store(), user, role, _shared.asking()).id} is no longer {_word(role)}"


def _disable(user: str) -> str:
    return f"{users.disable(store(), user, _shared.asking()).id} has no access any more"


def _enable(user: str) -> str:
    return f"{users.enable(store(), user, _shared.asking()).id} has access again"


def _set(user: str, new: str, current: str | None = None) -> str:
    typed = None if current is None else st.session_state[current]
    users.set_password(store(), user, st.session_state[new], _shared.asking(), current=typed)
    return f"{user} has another password; sessions until now are over"


def _add(name: str, mode: str) -> str:
    given = st.session_state
    kind = "service" if given[f"{name}-service"] else mode
    made = users.add(
        store(),
        given[f"{name}-address"],
        _shared.asking(),
        name=given[f"{name}-name"],
        kind=kind,
        password=given[f"{name}-password"] if kind == "local" else None,
        roles=given[f"{name}-roles"],
    )
    return (
        f"{made.id} can come in"
        if given[f"{name}-roles"]
        else f"{made.id} sees nothing until a role is granted"
    )


def _create(name: str, owner: str | None, me: str) -> str:
    given = st.session_state
    made, secret = tokens.create(
        store(),
        _shared.asking(),
        name=given[f"{name}-name"],
        roles=given[f"{name}-roles"],
        lasts=timedelta(days=given[f"{name}-days"]),
        owner=None if owner == me else owner,
    )
    st.session_state[SECRET] = secret
    return f"Token {made.name} holds until {made.expires_at:%-d %b %Y}"


def _word(role: str) -> str:
    return role.replace("_", " ")
