# The network module of the virtual board: interfaces that remember, in a made-up neighbourhood.
import time

about = "pretended: interfaces remember, any network lets you in, and nothing leaves the board (see socket)"

STA_IF = const(0)
AP_IF = const(1)

STAT_IDLE = const(0)
STAT_CONNECTING = const(1)
STAT_GOT_IP = const(3)
STAT_CONNECT_FAIL = const(-1)
STAT_NO_AP_FOUND = const(-2)
STAT_WRONG_PASSWORD = const(-3)

AUTH_OPEN = const(0)
AUTH_WEP = const(1)
AUTH_WPA_PSK = const(2)
AUTH_WPA2_PSK = const(3)
AUTH_WPA_WPA2_PSK = const(4)
AUTH_WPA2_ENTERPRISE = const(5)
AUTH_WPA3_PSK = const(6)

MODE_11B = const(1)
MODE_11G = const(2)
MODE_11N = const(4)

PHY_LAN8720 = const(1)
PHY_IP101 = const(2)
PHY_RTL8201 = const(3)
PHY_DP83848 = const(4)
PHY_KSZ8041 = const(5)

# How long a connection takes: long enough to be seen, too short to be waited for.
_CONNECT_MS = const(200)

# Name, address, channel, strength, security, hidden. None of them exists.
_NEIGHBOURS = (
    (b"virtual-home", b"\x02\x00\x00\x00\x10\x01", 6, -48, 3, False),
    (b"virtual-open", b"\x02\x00\x00\x00\x10\x02", 1, -61, 0, False),
    (b"virtual-cafe", b"\x02\x00\x00\x00\x10\x03", 11, -77, 4, False),
)

_settings = {"hostname": "virtual-board", "country": "XX", "phy_mode": MODE_11N}


def hostname(name=None):
    if name is None:
        return _settings["hostname"]
    if len(name) > 32:
        raise ValueError("hostname too long")
    _settings["hostname"] = name


def country(code=None):
    if code is None:
        return _settings["country"]
    if len(code) != 2:
        raise ValueError("country code has two letters")
    _settings["country"] = code


def phy_mode(mode=None):
    if mode is None:
        return _settings["phy_mode"]
    _settings["phy_mode"] = mode


_dns = {"dns": "192.0.2.1", "prefer": 4}


def ipconfig(name=None, **settings):
    if name is not None:
        return _dns[name]
    _dns.update(settings)


class _State:
    # What all objects of one interface share.
    def __init__(self, number, address, gateway):
        self.active = False
        self.since = None
        self.failure = STAT_IDLE
        self.addresses = [address, "255.255.255.0", gateway, "192.0.2.1"]
        self.values = {
            "mac": b"\x02\x00\x00\x00\x00" + bytes([number]),
            "ssid": b"" if number == STA_IF else b"virtual-ap",
            "channel": 6,
            "hidden": False,
            "security": 0,
            "key": "",
            "txpower": 20,
            "pm": 0,
            "reconnects": -1,
            "protocol": 7,
            "max_clients": 4,
        }


_ALIASES = {"essid": "ssid", "authmode": "security", "password": "key", "ap_if": "ssid"}


class _Interface:
    def active(self, is_active=None):
        if is_active is None:
            return self._state.active
        self._state.active = bool(is_active)
        if not is_active:
            self._state.since = None

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def ifconfig(self, addresses=None):
        state = self._state
        if addresses is not None:
            if addresses != "dhcp":
                if len(addresses) != 4:
                    raise ValueError("expected address, netmask, gateway and DNS server")
                state.addresses = list(addresses)
            return
        if not self._has_address():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        return tuple(state.addresses)

    def ipconfig(self, name=None, **settings):
        addresses = self._state.addresses
        for key, value in settings.items():
            if key == "addr4":
                if isinstance(value, str):
                    value = (value.split("/")[0], addresses[1])
                addresses[0], addresses[1] = value
            elif key == "gw4":
                addresses[2] = value
            elif key not in ("dhcp4", "dhcp6", "autoconf6"):
                raise ValueError("unknown config param")
        if name is None:
            return
        now = self.ifconfig()
        known = {"addr4": now[:2], "gw4": now[2], "dhcp4": True, "has_dhcp4": self._has_address(), "addr6": []}
        if name not in known:
            raise ValueError("unknown config param")
        return known[name]

    def config(self, *names, **settings):
        values = self._state.values
        for key, value in settings.items():
            if key in ("hostname", "dhcp_hostname"):
                hostname(value)
                continue
            key = _ALIASES.get(key, key)
            if key == "ssid" and isinstance(value, str):
                value = value.encode()
            values[key] = value
        if not names:
            return
        name = names[0]
        if name in ("hostname", "dhcp_hostname"):
            return hostname()
        key = _ALIASES.get(name, name)
        if key not in values or key == "key":
            raise ValueError("unknown config param")
        value = values[key]
        return value.decode() if key == "ssid" else value


class WLAN(_Interface):
    IF_STA = STA_IF
    IF_AP = AP_IF
    SEC_OPEN = AUTH_OPEN
    SEC_WEP = AUTH_WEP
    SEC_WPA = AUTH_WPA_PSK
    SEC_WPA2 = AUTH_WPA2_PSK
    SEC_WPA_WPA2 = AUTH_WPA_WPA2_PSK
    SEC_WPA3 = AUTH_WPA3_PSK
    PM_NONE = const(0)
    PM_PERFORMANCE = const(1)
    PM_POWERSAVE = const(2)

    _states = (_State(0, "192.0.2.10", "192.0.2.1"), _State(1, "192.168.4.1", "192.168.4.1"))

    def __init__(self, interface_id=STA_IF):
        if interface_id not in (STA_IF, AP_IF):
            raise ValueError("invalid WLAN interface identifier")
        self._id = interface_id
        self._state = WLAN._states[interface_id]

    def _needs_power(self):
        if not self._state.active:
            raise OSError(5, "the interface is not active")

    def scan(self):
        self._needs_power()
        return list(_NEIGHBOURS)

    def connect(self, ssid=None, key=None, *, bssid=None, **settings):
        self._needs_power()
        if self._id != STA_IF:
            raise OSError(22, "STA required")
        state = self._state
        if ssid is not None:
            state.values["ssid"] = ssid.encode() if isinstance(ssid, str) else bytes(ssid)
        state.failure = STAT_IDLE
        if not state.values["ssid"]:
            state.failure = STAT_NO_AP_FOUND
        elif key and len(key) < 8:
            # Of no network: WPA asks for eight characters at least.
            state.failure = STAT_WRONG_PASSWORD
        state.since = time.ticks_ms()

    def disconnect(self):
        self._state.since = None
        self._state.failure = STAT_IDLE

    def _has_address(self):
        return self._state.active if self._id == AP_IF else self.isconnected()

    def status(self, what=None):
        state = self._state
        if what == "rssi":
            return -48
        if what == "stations":
            return []
        if what is not None:
            raise ValueError("unknown status param")
        if self._id == AP_IF:
            return STAT_GOT_IP if state.active else STAT_IDLE
        if state.since is None:
            return STAT_IDLE
        if time.ticks_diff(time.ticks_ms(), state.since) < _CONNECT_MS:
            return STAT_CONNECTING
        return state.failure or STAT_GOT_IP

    def isconnected(self):
        # No station joins the access point.
        return self._id == STA_IF and self.status() == STAT_GOT_IP

    def __repr__(self):
        return "WLAN({}, active={}, status={})".format(
            ("STA", "AP")[self._id], self._state.active, self.status()
        )


class LAN(_Interface):
    _shared = _State(2, "192.0.2.20", "192.0.2.1")

    def __init__(self, id=None, **settings):
        self._state = LAN._shared

    def _has_address(self):
        return self._state.active

    def isconnected(self):
        return self._state.active

    def status(self, what=None):
        return STAT_GOT_IP if self._state.active else STAT_IDLE

    def __repr__(self):
        return "LAN(active={})".format(self._state.active)


class WIZNET5K(LAN):
    def __init__(self, *args, **settings):
        super().__init__()
