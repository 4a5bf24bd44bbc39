"""Foundation: errors, settings, the clock, and the two stores."""
