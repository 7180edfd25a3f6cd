"""Property tests have no deadline: machines are shared, and speed is measured in bench/."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
