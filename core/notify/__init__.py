"""The way out: facts become messages, messages reach people by mail, chat, pager, webhook or file."""
