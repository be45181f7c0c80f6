"""Acts to look at while they go on: in MuJoCo's own window, or in a browser."""
