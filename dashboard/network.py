"""Nothing of the network is asked: this program answers its own computer, and calls nobody."""

from streamlit import net_util


def call_nobody() -> None:
    """Keep Streamlit from asking a service on the internet for this computer's address.

    It would ask whenever a page of another site knocks, to see whether that site is this computer under its public
    address, and would answer nobody else meanwhile. Whoever serves the app to others names them in
    server.corsAllowedOrigins (README).
    """
    net_util.get_external_ip = _unknown
    net_util.get_internal_ip = _unknown


def _unknown() -> None:
    return None
