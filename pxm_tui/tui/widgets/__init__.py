"""Widgets that several screens use: the grid, the frame of a screen. They know nothing about clusters."""
