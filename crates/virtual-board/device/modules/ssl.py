# The ssl module of the virtual board: contexts that remember, and no encryption.
about = "contexts remember their settings; a socket can't be wrapped, for there is no TLS on this board"

PROTOCOL_TLS_CLIENT = const(0)
PROTOCOL_TLS_SERVER = const(1)
PROTOCOL_DTLS_CLIENT = const(2)
PROTOCOL_DTLS_SERVER = const(3)
CERT_NONE = const(0)
CERT_OPTIONAL = const(1)
CERT_REQUIRED = const(2)
MBEDTLS_VERSION = "none"


class SSLContext:
    def __init__(self, protocol):
        self.protocol = protocol
        self.verify_mode = CERT_REQUIRED if protocol == PROTOCOL_TLS_CLIENT else CERT_NONE
        self.verify_callback = None
        self.check_hostname = False

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        pass

    def load_verify_locations(self, cafile=None, cadata=None):
        pass

    def set_ciphers(self, ciphers):
        pass

    def get_ciphers(self):
        return []

    def wrap_socket(self, sock, *, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        # EOPNOTSUPP: plain bytes in place of encrypted ones would be the worse answer.
        raise OSError(95, "the virtual board has no TLS")


def create_default_context():
    return SSLContext(PROTOCOL_TLS_CLIENT)


def wrap_socket(sock, server_side=False, **settings):
    return SSLContext(PROTOCOL_TLS_SERVER if server_side else PROTOCOL_TLS_CLIENT).wrap_socket(sock)
