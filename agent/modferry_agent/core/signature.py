r"""The signature appended to a module file, as modinfo shows it.

    module  signer, key id (PGP and X509 alone)  signature
    algorithm hash id_type signer_len key_id_len pad(3), a byte each; sig_len, 4 bytes,
    big-endian; "~Module signature appended~\n"

A PKCS#7 signature is DER: SignedData, of which the first SignerInfo counts.

Source: kernel, include/linux/module_signature.h; kmod, libkmod/libkmod-signature.c;
RFC 2315, RFC 5652.
"""

import struct

from modferry_agent.compat import native, octets_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator  # noqa: F401  # novermin

    Fields = list[tuple[str, str]]
    # Tag, and where the content begins and ends.
    Element = tuple[int, int, int]

MAGIC = b"~Module signature appended~\n"

_ID_TYPES = ("PGP", "X509", "PKCS#7")
_PKCS7 = 2
_ALGORITHMS = 2
_HASHES = (
    "md4",
    "md5",
    "sha1",
    "rmd160",
    "sha256",
    "sha384",
    "sha512",
    "sha224",
    "sm3",
)
_INFO = struct.Struct(">5B3xI")

_COMMON_NAME = b"\x55\x04\x03"
_DIGESTS = {
    b"\x2a\x86\x48\x86\xf7\x0d\x02\x04": "md4",
    b"\x2a\x86\x48\x86\xf7\x0d\x02\x05": "md5",
    b"\x2b\x0e\x03\x02\x1a": "sha1",
    b"\x2b\x24\x03\x02\x01": "rmd160",
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x01": "sha256",
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x02": "sha384",
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x03": "sha512",
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x04": "sha224",
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x08": "sha3-256",
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x09": "sha3-384",
    b"\x60\x86\x48\x01\x65\x03\x04\x02\x0a": "sha3-512",
    b"\x2a\x81\x1c\xcf\x55\x01\x83\x11": "sm3",
}
_OCTETS, _SEQUENCE, _SET = 0x04, 0x30, 0x31
_BYTES_A_LINE = 20


class _BrokenError(Exception):
    """The DER is not what it should be."""


def fields(octets):
    # type: (bytes) -> Fields
    """Return modinfo's fields of the signature, in its order; none if there is none.

    octets: the module file, decompressed
    """
    if not octets.endswith(MAGIC) or len(octets) < len(MAGIC) + _INFO.size:
        return []
    end = len(octets) - len(MAGIC) - _INFO.size
    info = _INFO.unpack(octets[end : end + _INFO.size])
    algorithm, digest, kind, signer_size, key_size, size = info
    if algorithm >= _ALGORITHMS or digest >= len(_HASHES) or kind >= len(_ID_TYPES):
        return []
    start = end - size - signer_size - key_size
    if not size or start < 0:
        return []
    signature = octets[end - size : end]
    if kind == _PKCS7:
        try:
            signer, key, name, signature = _of_pkcs7(signature)
        except _BrokenError:
            return []
    else:
        signer = native(octets[start : start + signer_size])
        key = octets[start + signer_size : start + signer_size + key_size]
        name = _HASHES[digest]
    return [
        ("sig_id", _ID_TYPES[kind]),
        ("signer", signer),
        ("sig_key", _hex(key)),
        ("sig_hashalgo", name),
        ("signature", _hex(signature)),
    ]


def _hex(octets):
    # type: (bytes) -> str
    lines = []
    numbers = octets_of(octets)
    for start in range(0, len(numbers), _BYTES_A_LINE):
        part = numbers[start : start + _BYTES_A_LINE]
        lines.append(":".join(["%02X" % number for number in part]))
    return ":\n\t\t".join(lines)


def _of_pkcs7(octets):
    # type: (bytes) -> tuple[str, bytes, str, bytes]
    # Signer, serial number, digest, signature of the first SignerInfo.
    outer = _Der(octets).only(_SEQUENCE)
    content = outer.children()
    signed = outer.inside(_at(content, 1)).only(_SEQUENCE)
    infos = [one for one in signed.children() if one[0] == _SET]
    # The digests' algorithms are a set, too, and the first.
    first = signed.inside(_at(infos, 1)).only(_SEQUENCE)
    parts = first.children()
    who = _at(parts, 1)
    signer, serial = "", b""
    if who[0] == _SEQUENCE:
        names = first.inside(who).children()
        signer = _name(first.inside(_at(names, 0)))
        serial = first.bytes_of(_at(names, 1))
    name = _DIGESTS.get(first.bytes_of(_at(first.inside(_at(parts, 2)).children(), 0)))
    signatures = [one for one in parts if one[0] == _OCTETS]
    return signer, serial, name or "unknown", first.bytes_of(_at(signatures, 0))


def _at(elements, index):
    # type: (list[Element], int) -> Element
    if index >= len(elements):
        raise _BrokenError()
    return elements[index]


def _name(issuer):
    # type: (_Der) -> str
    # The common name, or the last attribute where there is none.
    found = ""
    for relative in issuer.children():
        for pair in issuer.inside(relative).children():
            parts = issuer.inside(pair).children()
            found = native(issuer.bytes_of(_at(parts, 1)))
            if issuer.bytes_of(_at(parts, 0)) == _COMMON_NAME:
                return found
    return found


class _Der(object):
    """A part of a DER text: elements one behind the other."""

    def __init__(self, octets, start=0, end=None):
        # type: (bytes, int, int | None) -> None
        self.octets = octets
        self.start = start
        self.end = len(octets) if end is None else end

    def children(self):
        # type: () -> list[Element]
        found = []
        at = self.start
        while at < self.end:
            element = self._element(at)
            found.append(element)
            at = element[2]
        return found

    def inside(self, element):
        # type: (Element) -> _Der
        return _Der(self.octets, element[1], element[2])

    def only(self, tag):
        # type: (int) -> _Der
        # The content of the first element here, which must have that tag.
        element = self._element(self.start)
        if element[0] != tag:
            raise _BrokenError()
        return self.inside(element)

    def bytes_of(self, element):
        # type: (Element) -> bytes
        return self.octets[element[1] : element[2]]

    def _element(self, at):
        # type: (int) -> Element
        head = octets_of(self.octets[at : at + 6])
        if len(head) < 2:
            raise _BrokenError()
        size, behind = head[1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 0 < count <= 4 or len(head) < 2 + count:
                raise _BrokenError()
            size = 0
            for number in head[2 : 2 + count]:
                size = size << 8 | number
            behind += count
        if behind + size > self.end:
            raise _BrokenError()
        return head[0], behind, behind + size
