"""The dashboard: one screen is one file, and what every screen shares."""
