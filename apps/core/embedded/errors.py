class EmbeddedServerError(Exception):
    """An embedded server could not be started, reached or stopped; the message says what to do."""


class StackError(Exception):
    """The product's processes could not be run; the message says why and what to do."""


class AlreadyRunningError(StackError):
    """Another stack runs on this data directory."""


class PortInUseError(StackError):
    """Somebody listens on a port we need."""


class NotReadyError(StackError):
    """A process did not come up."""
