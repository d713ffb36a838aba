"""The form that registers a version: the same YAML as `steward version register` reads."""

import streamlit as st

from core.actions import versions
from core.records import Version
from core.strict import parsed, validated
from pages import _shared
from pages._commands import carry_out, turn
from pages._shared import refusal, store

TEMPLATE = """\
name:                # what the prediction log's version column says; default: its number
artifact:            # file or folder under the roots, its files are hashed
format:              # onnx, skops, json, …
framework:
training: []         # - {name: train, uri: datasets/train.parquet, split: time}
evaluation: []
parameters: {}
note: ""
"""


def show(slug: str) -> None:
    """Show the form, closed."""
    why = refusal(_shared.asking(), "version.register", slug)
    key = f"version-{slug}-{turn()}"
    with st.expander("Register a version", icon=":material/add:"), st.form(key, border=False):
        st.text_area(
            "What is known of it (YAML)",
            TEMPLATE,
            key=f"{key}-text",
            height=230,
            help="All keys: docs/governance.md. The record never changes afterwards.",
        )
        st.form_submit_button(
            "Register",
            type="primary",
            disabled=why is not None,
            help=why,
            on_click=_register,
            args=(slug, key),
        )


def _register(slug: str, key: str) -> None:
    def run() -> str:
        said = {k: v for k, v in parsed(st.session_state[f"{key}-text"], "the form").items() if v is not None}
        made = versions.register(store(), slug, validated(Version, said, file="the form"), _shared.asking())
        return f"Registered {made.title}"

    carry_out(run)
