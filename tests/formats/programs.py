"""EFI programs, made of the sections that they are to have."""

import struct


def program(contents, machine=0x8664):
    """A portable executable with these sections, each padded to 512 bytes."""
    head = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", machine, len(contents), 0, 0, 0, 112, 0x22E)
    table, body = b"", b""
    start = -(-(len(head) + len(coff) + 112 + 40 * len(contents)) // 512) * 512
    for name, content in contents.items():
        padded = content + bytes(-len(content) % 512)
        place = start + len(body)
        table += struct.pack("<8sIIII16s", name.encode(), len(content), place, len(padded), place, bytes(16))
        body += padded
    front = head + coff + struct.pack("<H", 0x20B) + bytes(110) + table
    return front + bytes(start - len(front)) + body
