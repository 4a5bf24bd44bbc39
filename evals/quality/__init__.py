"""How good the messages are, and how good the rules are that check them: `outgrown eval`."""
