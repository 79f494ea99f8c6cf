class EmbeddedServerError(Exception):
    """An embedded server could not be started, reached or stopped; the message says what to do."""
