#!/usr/bin/env bash
# Believed: a client that runs by mosquitto_loop_start() is connected again, whatever ended the connection:
#   mosquitto_reconnect_delay_set() only says how often it is tried.
# True: that holds while the connection is refused or closed. After one handshake of TLS that failed the thread ends, without a
#   word; publishing goes on to queue messages that nobody will ever send.
# Versions: Debian 12's libmosquitto1 2.0.11-1.2+deb12u2.
# Hurts: cameras and face servers that tell of people over mqtts://. While the broker starts, or has a new certificate for a
#   moment, a proxy before it closes one handshake, and events stop for good while everything looks well.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq libmosquitto1
for deb in *.deb; do dpkg -x "$deb" deb; done
LD_LIBRARY_PATH=$(dirname "$(find deb -name libmosquitto.so.1)") python3 - <<'END'
import ctypes
import socket
import time

mosquitto = ctypes.CDLL("libmosquitto.so.1")
mosquitto.mosquitto_new.restype = ctypes.c_void_p
MOSQ_OPT_TLS_USE_OS_CERTS = 13
version = [ctypes.c_int() for _ in range(3)]
mosquitto.mosquitto_lib_version(*map(ctypes.byref, version))
print("libmosquitto", ".".join(str(part.value) for part in version))


def attempts(tls, seconds=8):
    """How often a client comes to a broker that says goodbye to it each time."""
    broker = socket.create_server(("127.0.0.1", 0))
    broker.settimeout(0.2)
    mosquitto.mosquitto_lib_init()
    client = ctypes.c_void_p(mosquitto.mosquitto_new(b"camera", True, None))
    if tls:
        mosquitto.mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1)
    mosquitto.mosquitto_reconnect_delay_set(client, 1, 1, False)
    assert mosquitto.mosquitto_connect_async(client, b"127.0.0.1", broker.getsockname()[1], 30) == 0
    assert mosquitto.mosquitto_loop_start(client) == 0
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            connection, _ = broker.accept()
        except socket.timeout:
            continue
        count += 1
        connection.recv(1000)
        connection.close() if not tls else (connection.sendall(b"starting\r\n"), connection.close())
    message = ctypes.create_string_buffer(b"ann")
    code = mosquitto.mosquitto_publish(client, None, b"seen", 3, message, 1, False)
    print(f"{'mqtts' if tls else 'mqtt'}: {count} attempts in {seconds} s; publishing then says {code}")
    return count


assert attempts(tls=False) >= 4
assert attempts(tls=True) == 1, "it is tried again now"
END
