"""The way out: messages and the channels they go to."""
