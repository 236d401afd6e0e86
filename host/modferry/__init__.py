"""The host's side of modferry: the command line, the fleet, the links to the boxes."""
