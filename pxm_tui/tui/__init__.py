"""The terminal UI, a face: screens call services and show what comes back; they decide nothing about clusters."""
