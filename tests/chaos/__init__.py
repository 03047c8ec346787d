"""Everything dies, and every message is counted at the far side. `make chaos`."""
