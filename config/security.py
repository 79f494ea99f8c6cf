"""Content security policies and the other headers' values (docs/decisions/0005)."""

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE

# The admin's Alpine.js evaluates attributes and its widgets carry inline styles; neither loads
# anything from elsewhere, and no inline script runs.
ADMIN_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
    }
}
API_POLICY = "default-src 'none'; frame-ancestors 'none'"

PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media"),
        *("fullscreen", "geolocation", "gyroscope", "magnetometer", "microphone", "midi"),
        *("payment", "picture-in-picture", "publickey-credentials-get", "screen-wake-lock"),
        *("usb", "web-share", "xr-spatial-tracking"),
    )
)
