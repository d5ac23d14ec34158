# The requests module of the virtual board: HTTP over its sockets, which reach the board itself.
import json as _json
import socket

about = "HTTP to a server on this board; nothing else can be reached (see socket), and there is no TLS"


class Response:
    def __init__(self, status_code, reason, headers, raw):
        self.status_code = status_code
        self.reason = reason
        self.headers = headers
        self.encoding = "utf-8"
        self.raw = raw
        self._content = None

    @property
    def content(self):
        if self._content is None:
            self._content = self.raw.read()
            self.close()
        return self._content

    @property
    def text(self):
        return str(self.content, self.encoding)

    def json(self):
        return _json.loads(self.content)

    def close(self):
        self.raw.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()


def request(method, url, data=None, json=None, headers=None, stream=None, auth=None, timeout=None, parse_headers=True):
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    host, _, port = host.partition(":")
    if scheme not in ("http", "https"):
        raise ValueError("Unsupported protocol: " + scheme)
    address = socket.getaddrinfo(host, int(port or (443 if scheme == "https" else 80)))[0][-1]
    s = socket.socket()
    s.settimeout(timeout)
    s.connect(address)
    if scheme == "https":
        import ssl

        ssl.wrap_socket(s)
    sent = {"Host": host, "Connection": "close"}
    if json is not None:
        data = _json.dumps(json)
        sent["Content-Type"] = "application/json"
    sent.update(headers or {})
    if data is not None:
        data = data.encode() if isinstance(data, str) else data
        sent["Content-Length"] = len(data)
    lines = ["{} /{} HTTP/1.0".format(method, path)]
    lines.extend(["{}: {}".format(name, value) for name, value in sent.items()])
    s.write("\r\n".join(lines) + "\r\n\r\n")
    if data is not None:
        s.write(data)
    status = s.readline().split(None, 2)
    if len(status) < 2:
        s.close()
        raise ValueError("HTTP error: BadStatusLine:\n{}".format(status))
    received = {}
    while True:
        line = s.readline().strip()
        if not line:
            break
        name, _, value = line.decode().partition(":")
        received[name] = value.strip()
    reason = status[2].strip() if len(status) > 2 else b""
    return Response(int(status[1]), reason, received, s)


def head(url, **settings):
    return request("HEAD", url, **settings)


def get(url, **settings):
    return request("GET", url, **settings)


def post(url, **settings):
    return request("POST", url, **settings)


def put(url, **settings):
    return request("PUT", url, **settings)


def patch(url, **settings):
    return request("PATCH", url, **settings)


def delete(url, **settings):
    return request("DELETE", url, **settings)
