"""The running house: the clock, the doors, and the way in and out of `outgrown serve`."""
