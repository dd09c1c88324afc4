"""Point clouds: the surface that points lie on."""
