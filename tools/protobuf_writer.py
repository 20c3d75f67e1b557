"""Protobuf messages by hand, for the scripts that write small networks: ONNX and TensorFlow's frozen graphs."""


def varint(v):
    v &= (1 << 64) - 1
    b = b""
    while v > 127:
        b, v = b + bytes([v & 127 | 128]), v >> 7
    return b + bytes([v])


def message(*fields):
    """Of (field number, value), where a value is a whole number, bytes or text."""
    b = b""
    for number, value in fields:
        if isinstance(value, int):
            b += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            b += varint(number << 3 | 2) + varint(len(value)) + value
    return b
