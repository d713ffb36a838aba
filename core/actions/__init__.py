"""Every command that changes what Steward knows: check actor and input, write change and audit entry."""
