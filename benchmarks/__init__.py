"""Measurements, as ratios within one run: machines differ, and so do their moods."""
