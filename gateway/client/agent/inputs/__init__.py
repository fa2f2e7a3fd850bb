"""Where events come from: a folder, standard input, a socket, HTTP on this machine alone."""
