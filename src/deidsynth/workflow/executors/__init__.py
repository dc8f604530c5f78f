"""Where nodes run: worker processes of this machine, or the machines of a Ray cluster."""
