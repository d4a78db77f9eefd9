"""What is on the screen, one file a panel. No computation."""
