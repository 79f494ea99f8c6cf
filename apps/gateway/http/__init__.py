"""The gateway's door: a bare ASGI application, with no Django in the request path."""
