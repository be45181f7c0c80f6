"""Models of other programs as files of our own."""
