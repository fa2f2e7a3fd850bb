from tests.intake.conftest import services, world

__all__ = ["services", "world"]
