"""What a policy does, to be looked at: films, a window, a page in a browser."""
